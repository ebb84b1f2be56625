/// How the cost of a call is counted while evaluating. Sizes are characters, bytes, elements or entries.
enum CallCost: Sendable {
    case one
    case fixed(Int)
    /// Walks once through the first argument.
    case text
    /// Walks through the first argument, and as far through what it makes.
    case twiceText
    /// Walks through a text as long as the first argument of a prefix or suffix.
    case secondText
    /// Walks through the shorter of two.
    case shorter
    /// Walks through both.
    case both
    /// Looks at each element of the list that is the second argument.
    case searched
    /// Looks for one text in another.
    case contains
    /// A pattern (the second argument) on a text.
    case pattern
    /// What the result is long, twice.
    case result
    /// Walks through the list or text that is the first argument.
    case elements
    /// Each element of one list against each of the other.
    case product
    /// Reads a selector.
    case selector
    /// Addresses: their bytes, and the text if the second is one.
    case network(extra: Bool)
    /// A named format on a text.
    case format

    func cost(_ arguments: [CELValue], _ result: CELValue) -> Int {
        switch self {
        case .one: return 1
        case .fixed(let cost): return cost
        case .text: return Self.tenth(arguments[0].costSize)
        case .twiceText: return Self.tenth(2 * arguments[0].costSize)
        case .secondText: return Self.tenth(arguments[0].costSize)
        case .shorter:
            if case .opaque = arguments[0] { return 1 }
            return Self.tenth(min(arguments[0].costSize, arguments[1].costSize))
        case .both:
            guard arguments[0].isTextual else { return 1 }
            return Self.tenth(arguments[0].costSize + arguments[1].costSize)
        case .searched: return arguments[1].isTextual ? 1 : arguments[1].costSizeOfList
        case .contains: return Self.tenth(arguments[0].costSize) * Self.tenth(arguments[1].costSize)
        case .pattern:
            return Self.tenth(1 + arguments[0].costSize) * Self.quarter(arguments[1].costSize)
        case .result: return Self.tenth(2 * result.costSize)
        case .elements: return arguments[0].isTextual ? Self.tenth(arguments[0].costSize) : arguments[0].costSize
        case .product: return arguments[0].costSize * arguments[1].costSize
        case .selector: return 10 + Self.tenth(arguments[1].costSize) + (arguments[1].costSize + 1) / 2 * 50
        case .network(let extra):
            let size = arguments[0].costSize
            let text = arguments[1].isTextual ? Self.tenth(arguments[1].costSize) : 0
            return Self.tenth(2 * size) + (extra ? Self.tenth(size) + 1 : 0) + text
        case .format:
            return Self.tenth(1 + arguments[1].costSize) * Self.quarter(arguments[0].costSize)
        }
    }

    /// Walking through a text costs a tenth of its length.
    static func tenth(_ size: Int) -> Int { (size + 9) / 10 }
    /// A pattern counts as an instruction for each four of its characters.
    static func quarter(_ size: Int) -> Int { (size + 3) / 4 }
}

extension CELValue {
    /// The length that costs are counted by; 1 for what has none.
    var costSize: Int {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.count
        case .map(let map): map.count
        case .optional(let optional): optional.value?.costSize ?? 1
        case .opaque(let value): value.size
        default: 1
        }
    }

    fileprivate var costSizeOfList: Int { if case .list(let list) = self { list.count } else { 1 } }

    fileprivate var isTextual: Bool {
        switch self {
        case .string, .bytes: true
        default: false
        }
    }
}
