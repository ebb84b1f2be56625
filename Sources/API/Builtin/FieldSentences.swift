public import APIMachinery
import CTables

/// A sentence on what each type and field of the API is: what `kubectl explain` shows.
///
/// The sentences lie in the binary as text. They are read when somebody asks for a description of the API, and go
/// again with this value: nobody pays for them but who wants them.
public struct FieldSentences: Sendable {
    /// By the name of the type, and its group and version where several types have the name.
    private var types: [Substring: Entry] = [:]
    private var common: [Substring: Substring] = [:]

    private struct Entry {
        var about: Substring = ""
        var fields: [Substring: Substring] = [:]
    }

    public init() {
        let text = String(decoding: CTables_sentences().buffer, as: UTF8.self)
        var (name, entry) = (Substring(), Entry())
        func end() {
            if name == "*" { common = entry.fields } else if !name.isEmpty { types[name] = entry }
        }
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("["), let close = line.firstIndex(of: "]") {
                end()
                name = line[line.index(after: line.startIndex)..<close]
                entry = Entry(about: line[close...].dropFirst(2))
            } else if let colon = line.firstIndex(of: ":") {
                entry.fields[line[..<colon]] = line[colon...].dropFirst(2)
            }
        }
        end()
    }

    /// What the type is; `nil` if nothing is said of it.
    public func sentence(on type: TypeSchema) -> String? { entry(type).map { String($0.about) } }

    /// What the field of the type is; `nil` if nothing is said of it.
    public func sentence(on field: String, of type: TypeSchema) -> String? {
        (entry(type)?.fields[field[...]] ?? common[field[...]]).map(String.init)
    }

    private func entry(_ type: TypeSchema) -> Entry? {
        let parts = type.name.split(separator: ".")
        return types[parts.suffix(3).joined(separator: ".")[...]] ?? types[parts.last ?? ""]
    }

    /// Of which types and fields something is said: `Pod.spec`.
    var subjects: [(type: String, field: String)] {
        types.flatMap { name, entry in entry.fields.keys.map { (String(name), String($0)) } }
    }
}
