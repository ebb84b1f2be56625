/// A set of ASCII bytes: 128 bits, one look-up without a branch on the kind of character.
struct ByteSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// The bytes of `ranges` and those of `singles`.
    init(_ ranges: ClosedRange<Unicode.Scalar>..., and singles: String = "") {
        for range in ranges {
            for byte in UInt8(ascii: range.lowerBound)...UInt8(ascii: range.upperBound) { insert(byte) }
        }
        for byte in singles.utf8 { insert(byte) }
    }

    private mutating func insert(_ byte: UInt8) {
        precondition(byte < 128, "names are ASCII")
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
    }

    func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case ..<64: low & 1 << UInt64(byte) != 0
        case ..<128: high & 1 << UInt64(byte - 64) != 0
        default: false
        }
    }

    static let digits = ByteSet("0"..."9")
    static let lowercase = ByteSet("a"..."z")
    static let lowercaseAndDigits = ByteSet("a"..."z", "0"..."9")
    static let letters = ByteSet("a"..."z", "A"..."Z")
    static let lettersAndDigits = ByteSet("a"..."z", "A"..."Z", "0"..."9")
}

/// The shape of a word: which bytes it may begin with, contain and end with.
struct WordShape: Sendable {
    var first: ByteSet
    var inner: ByteSet
    var last: ByteSet

    /// Whether `bytes` is a word of this shape; the empty text is none.
    func matches(_ bytes: some Collection<UInt8>) -> Bool {
        var isFirst = true
        var previous: UInt8?
        for byte in bytes {
            guard (isFirst ? first : inner).contains(byte) else { return false }
            isFirst = false
            previous = byte
        }
        guard let previous else { return false }
        return last.contains(previous)
    }

    static let dns1123Label = WordShape(
        first: .lowercaseAndDigits, inner: ByteSet("a"..."z", "0"..."9", and: "-"), last: .lowercaseAndDigits)
    static let dns1035Label = WordShape(
        first: .lowercase, inner: ByteSet("a"..."z", "0"..."9", and: "-"), last: .lowercaseAndDigits)
    static let qualifiedName = WordShape(
        first: .lettersAndDigits, inner: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "-_."),
        last: .lettersAndDigits)
    static let cIdentifier = WordShape(
        first: ByteSet("a"..."z", "A"..."Z", and: "_"),
        inner: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "_"),
        last: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "_"))
    static let environmentVariable = WordShape(
        first: ByteSet("a"..."z", "A"..."Z", and: "-._"),
        inner: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "-._"),
        last: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "-._"))
    static let configMapKey = WordShape(oneOrMore: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "-._"))
    static let httpHeaderName = WordShape(oneOrMore: ByteSet("a"..."z", "A"..."Z", "0"..."9", and: "-"))
    static let portName = WordShape(oneOrMore: ByteSet("a"..."z", "0"..."9", and: "-"))
    static let printableExceptEquals = WordShape(oneOrMore: ByteSet(" "..."<", ">"..."~"))
    static let digits = WordShape(oneOrMore: .digits)

    init(first: ByteSet, inner: ByteSet, last: ByteSet) {
        self.first = first
        self.inner = inner
        self.last = last
    }

    private init(oneOrMore bytes: ByteSet) { self.init(first: bytes, inner: bytes, last: bytes) }
}
