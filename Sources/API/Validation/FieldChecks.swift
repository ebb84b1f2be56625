import APIMachinery

/// Collects what is wrong with an object, field by field. The wording is Kubernetes' own: people search for it,
/// clients and the conformance suite match on it.
///
/// A path is made only when there is something to say about it: paths would be most of what checking a good object
/// costs.
struct FieldChecks {
    private(set) var errors: [FieldError] = []
    /// Fields of which all is said: what the table of the kind says of them is left out.
    private(set) var settled: Set<String> = []

    /// A large object can have a million parts, each with something wrong: nobody reads more than so many complaints.
    private static let mostErrors = 1000

    mutating func add(_ error: FieldError) {
        if errors.count < Self.mostErrors { errors.append(error) }
    }

    mutating func settle(_ path: String) { settled.insert(path) }

    // MARK: - Saying what is wrong

    mutating func invalid(_ path: String, _ value: Value?, _ detail: String) {
        add(.invalid(path, value: value ?? "", detail))
    }

    mutating func missing(_ path: String, _ detail: String = "") { add(.required(path, detail)) }

    mutating func forbid(_ path: String, _ detail: String) { add(.forbidden(path, detail)) }

    mutating func duplicate(_ path: String, _ value: Value?) {
        add(.duplicate(path, value: value ?? ""))
    }

    mutating func unsupported(_ path: String, _ value: Value?, _ supported: [String]) {
        add(.notSupported(path, value: value ?? "", supported: supported))
    }

    mutating func tooMany(_ path: String, _ count: Int, limit: Int) {
        add(FieldError(.tooMany, path, value: .integer(Int64(count)), "must have at most \(limit) items"))
    }

    // MARK: - Checks of one value

    /// Whether there is a text, list, map or number other than zero; complains if not.
    @discardableResult
    mutating func require(
        _ value: Value?, _ path: @autoclosure () -> String, _ detail: @autoclosure () -> String = ""
    ) -> Bool {
        if value.isFilled { return true }
        add(.required(path(), detail()))
        return false
    }

    /// Each thing that is wrong with a name is an error of its own.
    mutating func name(_ text: String, _ rule: NameRule, _ path: @autoclosure () -> String) {
        let problems = rule.problems(in: text)
        guard !problems.isEmpty else { return }
        let path = path()
        for problem in problems { invalid(path, .string(text), problem) }
    }

    /// A name that must be there and must obey a rule.
    mutating func requiredName(_ value: Value?, _ rule: NameRule, _ path: @autoclosure () -> String) {
        if require(value, path()) { name(value.text, rule, path()) }
    }

    /// A name that may be absent or empty.
    mutating func optionalName(_ value: Value?, _ rule: NameRule, _ path: @autoclosure () -> String) {
        if !value.text.isEmpty { name(value.text, rule, path()) }
    }

    mutating func notNegative(_ value: Value?, _ path: @autoclosure () -> String) {
        guard let number = value?.integer, number < 0 else { return }
        invalid(path(), value, "must be greater than or equal to 0")
    }

    /// The same for several fields of one object.
    mutating func notNegative(_ object: Value?, _ keys: [String], _ path: @autoclosure () -> String) {
        for key in keys {
            if let value = object?[key] { notNegative(value, "\(path()).\(key)") }
        }
    }

    mutating func range(_ value: Value?, _ low: Int, _ high: Int, _ path: @autoclosure () -> String) {
        guard let number = value?.integer, !(low...high).contains(Int(number)) else { return }
        invalid(path(), value, NameProblem.outOfRange(low, high))
    }

    mutating func port(_ value: Value?, _ path: @autoclosure () -> String) { range(value, 1, 65_535, path()) }

    /// A port by number or by name.
    mutating func portOrName(_ value: Value?, _ path: @autoclosure () -> String) {
        switch value {
        case .string(let text): name(text, .portName, path())
        default: port(value ?? 0, path())
        }
    }

    mutating func oneOf(_ value: Value?, _ supported: [String], _ path: @autoclosure () -> String) {
        guard let text = value?.string, !supported.contains(text) else { return }
        unsupported(path(), .string(text), supported)
    }

    /// The permission bits of a file.
    mutating func fileMode(_ value: Value?, _ path: @autoclosure () -> String) {
        guard let mode = value?.integer, !(0...0o777).contains(mode) else { return }
        invalid(path(), value, "must be a number between 0 and 0777 (octal), both inclusive")
    }

    /// A number of a thing that may also be a share of all.
    mutating func countOrPercent(_ value: Value?, _ path: @autoclosure () -> String) {
        switch value {
        case .string(let text): name(text, .percent, path())
        case let number: notNegative(number, path())
        }
    }

    /// A share must not be more than everything.
    mutating func atMostAll(_ value: Value?, _ path: @autoclosure () -> String) {
        guard case .string = value, Self.amount(value) > 100 else { return }
        invalid(path(), value, "must not be greater than 100%")
    }

    /// The number, or the number before the percent sign.
    static func amount(_ value: Value?) -> Int {
        switch value {
        case .string(let text): text.hasSuffix("%") ? Int(text.dropLast()) ?? 0 : 0
        case let number: Int(number?.integer ?? 0)
        }
    }

    mutating func immutable(_ new: Value?, _ old: Value?, _ path: @autoclosure () -> String) {
        if new != old { invalid(path(), new ?? .null, "field is immutable") }
    }

    // MARK: - Paths of files

    /// A path that must not lead upwards.
    mutating func noBackSteps(_ text: String, _ path: @autoclosure () -> String) {
        guard text.split(separator: "/").contains("..") else { return }
        invalid(path(), .string(text), "must not contain '..'")
    }

    /// A path inside of something.
    mutating func descendingPath(_ text: String, _ path: @autoclosure () -> String) {
        if text.hasPrefix("/") { invalid(path(), .string(text), "must be a relative path") }
        noBackSteps(text, path())
    }

    /// A path inside of a volume whose own files begin with two dots.
    mutating func unreservedPath(_ text: String, _ path: @autoclosure () -> String) {
        descendingPath(text, path())
        guard text.hasPrefix(".."), !text.hasPrefix("../") else { return }
        invalid(path(), .string(text), "must not start with '..'")
    }
}

/// What is read of decoded objects over and over: absent is empty, as in Go.
extension Value? {
    subscript(key: String) -> Value? { self?[key] }

    var text: String { self?.string ?? "" }
    var items: [Value] { self?.array ?? [] }
    var entries: Fields { self?.fields ?? Fields() }
    var isTrue: Bool { self?.bool == true }

    /// Whether there is a text, list, map or number other than zero.
    var isFilled: Bool {
        switch self {
        case .none, .null: false
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let fields): !fields.isEmpty
        case .integer(let number): number != 0
        default: true
        }
    }

    /// An amount, if this is one.
    var quantity: Quantity? { self.flatMap { try? Quantity(json: $0) } }

    /// The elements of a list with their paths.
    func elements(_ path: @autoclosure () -> String) -> [(value: Value, path: String)] {
        guard let array = self?.array, !array.isEmpty else { return [] }
        let path = path()
        return array.enumerated().map { ($0.element, "\(path)[\($0.offset)]") }
    }
}
