import APIMachinery

/// Does `body` for each element, in batches of one, two, four and so on ("slow start"): what is refused (by a quota, say)
/// must not be refused five hundred times. Ends with the first batch that has a failure.
func inGrowingBatches<Element: Sendable>(
    _ elements: some Collection<Element>, _ body: @escaping @Sendable (Element) async throws(Status) -> Void
) async throws(Status) {
    var (rest, size) = (elements[...], 1)
    while !rest.isEmpty {
        let batch = Array(rest.prefix(size))
        rest = rest.dropFirst(size)
        try await inParallel(batch, body)
        size *= 2
    }
}
