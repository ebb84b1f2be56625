import APIMachinery

/// How many requests one pass has under way at once.
private let width = 16

/// Does `body` for each element, a bounded number at a time. All are tried; the first failure is thrown.
func inParallel<Element: Sendable>(
    _ elements: some Collection<Element>, _ body: @escaping @Sendable (Element) async throws(Status) -> Void
) async throws(Status) {
    let outcomes = await withTaskGroup(of: Status?.self) { group in
        var rest = elements[...]
        var failure: Status?
        for _ in 0..<width {
            guard let next = rest.popFirst() else { break }
            group.addTask { await attempt(next, body) }
        }
        for await outcome in group {
            failure = failure ?? outcome
            guard let next = rest.popFirst() else { continue }
            group.addTask { await attempt(next, body) }
        }
        return failure
    }
    if let outcomes { throw outcomes }
}

private func attempt<Element: Sendable>(
    _ element: Element, _ body: @Sendable (Element) async throws(Status) -> Void
) async -> Status? {
    do throws(Status) {
        try await body(element)
        return nil
    } catch {
        return error
    }
}
