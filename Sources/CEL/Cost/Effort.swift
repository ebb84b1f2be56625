import APIMachinery

/// How long a call really takes, where its cost says less: joining two lists costs 1 however long they are.
///
/// Costs are a contract with the reference, so they cannot be changed; this is the bound that keeps the process safe
/// when somebody looks for what costs little and takes long. Nobody else meets it. A unit is about a nanosecond.
enum Effort: Sendable {
    /// Looks at the values as far as they are long, not into them.
    case shallow
    /// Makes a list as long as its arguments together.
    case copy
    /// Makes a list as long as its argument says.
    case range
    /// Looks at everything in them: membership, printing.
    case deep
    /// Prints numbers with all their digits, besides what is looked at.
    case printing
    /// Looks at two values until one of them ends.
    case comparison
    /// Takes lists as sets: what cannot be a key is compared with each other one (``CELValueSet``).
    case set
    /// Looks for a text in another one, naively.
    case search
    /// Puts a text where another one was.
    case replace
    /// Puts a text between others.
    case join
    /// Runs a pattern; `isRepeated` again and again.
    case pattern(isRepeated: Bool)

    /// What one evaluation may take.
    static let limit = 400_000_000

    /// What a call takes; about `limit` when it is more than that.
    func units(_ arguments: [CELValue], limit: Int) -> Int {
        if case .range = self, case .int(let count)? = arguments.first {
            return Saturating.multiply(Int(max(0, count)), 128)
        }
        var (sum, isFlat) = (0, true)
        for argument in arguments {
            sum = Saturating.add(sum, argument.length)
            isFlat = isFlat && argument.isFlat
        }
        // Numbers and short texts: most calls.
        if isFlat, sum <= 16 { return sum }
        switch self {
        case .shallow, .range: return Saturating.multiply(sum, 16)
        // Memory is scarcer than time.
        case .copy: return Saturating.multiply(sum, 128)
        case .deep: return Meter.units(arguments, asSets: false, limit: limit)
        case .printing:
            guard arguments.count > 1, case .list(let list) = arguments[1] else { return sum }
            let digits = list.values.reduce(0) { Saturating.add($0, $1.digitsEffort) }
            return Saturating.add(Meter.units(arguments, asSets: false, limit: limit), digits)
        case .comparison:
            return Meter.units([arguments.min { $0.length < $1.length } ?? .null], asSets: false, limit: limit)
        case .set: return Meter.units(arguments, asSets: true, limit: limit)
        case .search:
            guard arguments.count > 1, case .string = arguments[0] else {
                return Meter.units(arguments, asSets: false, limit: limit)
            }
            return Saturating.multiply(arguments[0].length + 1, arguments[1].length + 1)
        case .replace where arguments.count > 2:
            let (text, old, new) = (arguments[0].length, arguments[1].length, arguments[2].length)
            let search = Saturating.multiply(text + 1, old + 1)
            return Saturating.add(search, Saturating.multiply(text / max(1, old) + 1, new * 4))
        case .join:
            let between = arguments.count > 1 ? Saturating.multiply(arguments[0].length, arguments[1].length) : 0
            return Saturating.add(Meter.units([arguments[0]], asSets: false, limit: limit), between)
        case .pattern(let isRepeated):
            guard arguments.count > 1, case .string(let pattern) = arguments[1] else { return sum }
            let steps = Saturating.multiply(arguments[0].length + 1, PatternCache.shared.size(of: pattern))
            return Saturating.multiply(steps, isRepeated ? PatternCache.repetition : 4)
        case .replace: return Saturating.multiply(sum, 16)
        }
    }
}

extension CELValue {
    /// Whether there is nothing in it.
    fileprivate var isFlat: Bool {
        switch self {
        case .list, .map, .object, .optional: false
        default: true
        }
    }

    /// What printing a number exactly takes: a step for each binary place, through all digits (``Decimals``).
    fileprivate var digitsEffort: Int {
        let number: Double
        switch self {
        case .double(let given): number = given
        case .int(let given): number = Double(given)
        case .uint(let given): number = Double(given)
        default: return 0
        }
        let places = abs(Int(number.exponentBitPattern) - 1075)
        return places * (places + 20)
    }

    /// Bytes, elements or entries, whichever are found out without counting.
    fileprivate var length: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.count
        case .map(let map): map.count
        case .object(let object): object.count
        default: 0
        }
    }
}

/// Walks through values until it has had enough. What is in them twice is walked through twice, as by equality.
private struct Meter {
    var left: Int

    static func units(_ values: [CELValue], asSets: Bool, limit: Int) -> Int {
        var meter = Meter(left: limit + 1)
        for value in values {
            meter.walk(value)
            if case .list(let list) = value, asSets || list.schema?.listType == .set { meter.compareEach(list) }
        }
        return limit + 1 - meter.left
    }

    /// What comparing each element that is no key with each other one takes.
    private mutating func compareEach(_ list: CELList) {
        var others = Meter(left: left)
        var count = 0
        for position in 0..<list.count where others.left > 0 {
            let value = list[position]
            guard CELMapKey(value) == nil else { continue }
            others.walk(value)
            count += 1
        }
        take(Saturating.multiply(left - others.left, count))
    }

    private mutating func take(_ units: Int) { left = max(0, left - units) }

    mutating func walk(_ value: CELValue) {
        switch value {
        case .string(let text): take(16 + text.utf8.count)
        case .bytes(let bytes): take(16 + bytes.count)
        case .list(let list):
            take(16)
            switch list.storage {
            case .values(let values): for value in values where left > 0 { walk(value) }
            case .tree(let elements): for element in elements where left > 0 { walk(element) }
            }
        case .map(let map):
            take(16)
            switch map.storage {
            case .entries(let entries, _): for (_, value) in entries where left > 0 { walk(value) }
            case .tree(let fields): walk(fields)
            }
        case .object(let object):
            take(16)
            switch object.storage {
            case .tree(let fields, _): walk(fields)
            case .made(_, let fields): for field in fields where left > 0 { walk(field.value) }
            }
        case .optional(let optional): if let content = optional.value { walk(content) }
        default: take(16)
        }
    }

    private mutating func walk(_ fields: Fields) {
        for (_, value) in fields {
            guard left > 0 else { return }
            walk(value)
        }
    }

    private mutating func walk(_ value: Value) {
        take(16)
        switch value {
        case .string(let text): take(text.utf8.count)
        case .array(let elements): for element in elements where left > 0 { walk(element) }
        case .object(let fields): walk(fields)
        case .null, .bool, .integer, .double: break
        }
    }
}
