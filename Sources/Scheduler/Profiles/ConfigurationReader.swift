import APIMachinery
import Support

/// Reads one object of the scheduler's configuration: only the fields that are known, each of its type; faults name the
/// path of what is wrong.
struct ConfigurationReader {
    let path: String
    private let fields: Fields

    init(_ value: Value, _ path: String, _ known: Set<String>) throws(Fault) {
        self.path = path
        guard let fields = value.fields else { throw Self.fault("\(path) is no object") }
        self.fields = fields
        for (key, _) in fields where !known.contains(key) {
            throw Self.fault("unknown field \(Self.join(path, key))")
        }
    }

    static func fault(_ why: String) -> Fault {
        Fault(
            .invalid, "the scheduler's configuration cannot be used: \(why)",
            remedy: "correct the file that --kube-scheduler-arg=config names")
    }

    func fault(_ key: String, _ why: String) -> Fault { Self.fault("\(Self.join(path, key)) \(why)") }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : path + "." + key }

    /// The field as it is; `nil` when it is absent or null.
    subscript(key: String) -> Value? { fields[key].flatMap { $0.isNull ? nil : $0 } }

    func text(_ key: String) throws(Fault) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else { throw fault(key, "is no text") }
        return text
    }

    func flag(_ key: String) throws(Fault) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let flag = value.bool else { throw fault(key, "is neither true nor false") }
        return flag
    }

    func number(_ key: String, _ range: ClosedRange<Int>) throws(Fault) -> Int? {
        guard let value = self[key] else { return nil }
        guard let number = value.integer.flatMap(Int.init(exactly:)), range.contains(number) else {
            throw fault(key, "is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func texts(_ key: String) throws(Fault) -> [String] {
        guard let value = self[key] else { return [] }
        guard let array = value.array else { throw fault(key, "is no list") }
        let texts = array.compactMap(\.string)
        guard texts.count == array.count else { throw fault(key, "has an item that is no text") }
        return texts
    }

    /// The items of a list, each with its path.
    func items(_ key: String) throws(Fault) -> [(value: Value, path: String)] {
        guard let value = self[key] else { return [] }
        guard let array = value.array else { throw fault(key, "is no list") }
        return array.enumerated().map { ($0.element, Self.join(path, key) + "[\($0.offset)]") }
    }

    func object(_ key: String, _ known: Set<String>) throws(Fault) -> ConfigurationReader? {
        guard let value = self[key] else { return nil }
        return try ConfigurationReader(value, Self.join(path, key), known)
    }
}
