import APIMachinery
public import Support

/// The options of one start, collected from where k3s looks for them: the command line, then the configuration file, then
/// the environment (facts: "config.yaml"). Pure: files and variables are handed in.
public struct OptionValues: Hashable, Sendable {
    private var values: [String: [String]] = [:]
    /// Keys of the configuration file that no option has; k3s warns of them and goes on.
    public private(set) var unknownKeys: [String] = []

    /// Reads the arguments behind the command word.
    ///
    /// - Parameter files: the texts of the configuration file and its drop-ins, in order.
    /// - Throws: one sentence that says which option is wrong.
    public init(
        _ arguments: [String], options: [Option], files: [String] = [], environment: [String: String] = [:]
    ) throws(Fault) {
        var fromFiles: [String: [String]] = [:]
        for text in files { try Self.merge(text, options, into: &fromFiles, unknown: &unknownKeys) }
        var given: [String: [String]] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() { try Self.take(argument, &rest, options, into: &given) }
        for option in options {
            let variable = option.environment.flatMap { environment[$0] }.flatMap { $0.isEmpty ? nil : [$0] }
            let isList = if case .list = option.kind { true } else { false }
            let found =
                isList
                ? Self.joined(fromFiles[option.name], given[option.name]) ?? variable
                : given[option.name] ?? fromFiles[option.name] ?? variable
            guard let found else { continue }
            values[option.name] = try Self.checked(found, option)
        }
    }

    /// The last value given; `nil` when there is none.
    public func text(_ name: String) -> String? { values[name]?.last }
    public func flag(_ name: String) -> Bool { values[name]?.last == "true" }
    public func number(_ name: String) -> Int? { values[name]?.last.flatMap { Int($0) } }
    public func list(_ name: String) -> [String] { values[name] ?? [] }

    /// All that is given must be addresses.
    func addresses(_ name: String) throws(Fault) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for text in list(name) {
            guard let address = IPAddress(text) else { throw Fault(.invalid, "--\(name) \(text) is no IP address") }
            addresses.append(address)
        }
        return addresses
    }

    // MARK: The command line

    private static func take(
        _ argument: String, _ rest: inout ArraySlice<String>, _ options: [Option], into given: inout [String: [String]]
    ) throws(Fault) {
        guard argument.hasPrefix("-"), argument != "-" else {
            throw Fault(.invalid, "unexpected argument \"\(argument)\"", remedy: "run k3s --help")
        }
        let body = argument.drop { $0 == "-" }
        let pair = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let option = options.first(where: { $0.name == pair[0] || $0.short.map(String.init) == pair[0] }) else {
            throw Fault(.invalid, "unknown flag \(argument.prefix { $0 != "=" })", remedy: "run k3s --help")
        }
        if pair.count == 2 {
            given[option.name, default: []].append(pair[1])
        } else if option.kind == .flag {
            given[option.name, default: []].append("true")
        } else {
            guard let value = rest.popFirst() else {
                throw Fault(.invalid, "flag needs an argument: --\(option.name)")
            }
            given[option.name, default: []].append(value)
        }
    }

    // MARK: The file

    /// A later file replaces what an earlier one said, unless its key ends in `+`.
    private static func merge(
        _ text: String, _ options: [Option], into values: inout [String: [String]], unknown: inout [String]
    ) throws(Fault) {
        let document: Value
        do throws(YAMLError) {
            document = try YAML.document(text)
        } catch {
            throw Fault(.invalid, "the configuration file is not YAML: \(error)")
        }
        guard let fields = document.fields else {
            if document.isNull { return }
            throw Fault(.invalid, "the configuration file must be a map of options")
        }
        for (key, value) in fields {
            let appends = key.hasSuffix("+")
            let name = appends ? String(key.dropLast()) : key
            guard let option = options.first(where: { $0.name == name || $0.short.map(String.init) == name }) else {
                unknown.append(name)
                continue
            }
            let texts = (value.array ?? [value]).filter { !$0.isNull }.map { $0.string ?? $0.description }
            values[option.name] = appends ? (values[option.name] ?? []) + texts : texts
        }
    }

    // MARK: Both

    private static func joined(_ a: [String]?, _ b: [String]?) -> [String]? {
        a == nil && b == nil ? nil : (a ?? []) + (b ?? [])
    }

    private static func checked(_ values: [String], _ option: Option) throws(Fault) -> [String] {
        switch option.kind {
        case .text: return values
        case .flag:
            // The spellings that Go has for them.
            switch values.last ?? "" {
            case "1", "t", "T", "true", "TRUE", "True": return ["true"]
            case "0", "f", "F", "false", "FALSE", "False": return ["false"]
            case let other: throw Fault(.invalid, "--\(option.name) takes true or false, not \"\(other)\"")
            }
        case .number:
            guard let last = values.last, Int(last) != nil else {
                throw Fault(.invalid, "--\(option.name) takes a number, not \"\(values.last ?? "")\"")
            }
            return [last]
        case .list(let isSplit):
            let parts = isSplit ? values.flatMap { $0.split(separator: ",").map(String.init) } : values
            return parts.filter { !$0.isEmpty }
        }
    }
}
