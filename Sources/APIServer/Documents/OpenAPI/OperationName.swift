import APIMachinery

/// What operations are called in OpenAPI: generators of clients make the names of their functions of it, so it is that of
/// Kubernetes to the letter, as `listCoreV1NamespacedPod` with the tag `core_v1`.
struct OperationName: Hashable, Sendable {
    let id: String
    let tag: String

    /// - Parameters:
    ///   - verb: `list`, `read`, `create`, `replace`, `patch`, `delete`, `watch`, `connect`, `get`.
    ///   - object: what it is done to, as `NamespacedPod`.
    ///   - group: of the path, empty for the core's.
    ///   - version: empty for what is about the group.
    init(_ verb: String, _ object: String, group: String, version: String) {
        let short = group.isEmpty ? "core" : group.hasSuffix(Self.suffix) ? String(group.dropLast(Self.suffix.count)) : group
        let parts = [short, version].filter { !$0.isEmpty }
        id = verb + (parts + [object]).map { Self.word($0, isCapital: true) }.joined()
        tag = parts.map { Self.word($0, isCapital: false) }.joined(separator: "_")
    }

    private static let suffix = ".k8s.io"

    /// Without what no identifier may have: whatever comes behind that begins with a capital.
    private static func word(_ text: String, isCapital: Bool) -> String {
        var (word, isCapital) = ("", isCapital)
        for (index, character) in text.enumerated() {
            guard character.isLetter || character == "_" || (index > 0 && character.isNumber) else {
                isCapital = true
                continue
            }
            word += isCapital ? character.uppercased() : String(character)
            isCapital = false
        }
        return word
    }
}
