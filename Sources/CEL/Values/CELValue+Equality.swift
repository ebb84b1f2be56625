import Support

extension CELValue {
    /// `==`: numbers of different types by value, lists and maps by content, values of other types are different.
    func isEqual(to other: CELValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
        case (.bytes(let a), .bytes(let b)): a == b
        case (.timestamp(let a), .timestamp(let b)): a == b
        case (.duration(let a), .duration(let b)): a == b
        case (.list(let a), .list(let b)): a.isEqual(to: b)
        case (.map(let a), .map(let b)): a.isEqual(to: b)
        case (.object(let a), .object(let b)): a.isEqual(to: b)
        case (.type(let a), .type(let b)): a == b
        case (.opaque(let a), .opaque(let b)): a.isEqual(to: b)
        case (.optional(let a), .optional(let b)):
            switch (a.value, b.value) {
            case (nil, nil): true
            case (let a?, let b?): a.isEqual(to: b)
            default: false
            }
        case (.double(let a), .double(let b)): a == b
        default: numericOrder(other) == 0
        }
    }

    /// Negative, zero or positive; `nil` when one of them is no number, or not a number.
    func numericOrder(_ other: CELValue) -> Int? {
        switch (self, other) {
        case (.int(let a), .int(let b)): compare(a, b)
        case (.uint(let a), .uint(let b)): compare(a, b)
        case (.double(let a), .double(let b)): a.isNaN || b.isNaN ? nil : compare(a, b)
        case (.int(let a), .uint(let b)): a < 0 ? -1 : compare(UInt64(a), b)
        case (.uint(let a), .int(let b)): b < 0 ? 1 : compare(a, UInt64(b))
        case (.int(let a), .double(let b)): compareFraction(b, a).map { -$0 }
        case (.double(let a), .int(let b)): compareFraction(a, b)
        case (.uint(let a), .double(let b)): compareFraction(b, a).map { -$0 }
        case (.double(let a), .uint(let b)): compareFraction(a, b)
        default: nil
        }
    }

    /// The order of `<`; `nil` for types that have none, or different ones.
    func order(_ other: CELValue) -> Int? {
        switch (self, other) {
        case (.bool(let a), .bool(let b)): compare(a ? 1 : 0, b ? 1 : 0)
        case (.string(let a), .string(let b)): a.isBefore(b) ? -1 : b.isBefore(a) ? 1 : 0
        case (.bytes(let a), .bytes(let b)):
            a.lexicographicallyPrecedes(b) ? -1 : b.lexicographicallyPrecedes(a) ? 1 : 0
        case (.timestamp(let a), .timestamp(let b)): compare(a, b)
        case (.duration(let a), .duration(let b)): compare(a, b)
        default: numericOrder(other)
        }
    }
}

private func compare<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : b < a ? 1 : 0 }

/// A fraction against a whole number, without rounding either.
private func compareFraction<I: FixedWidthInteger>(_ a: Double, _ b: I) -> Int? {
    guard !a.isNaN else { return nil }
    // Doubles beyond the range of the whole numbers, infinities among them, are decided by that.
    if a >= Double(I.max) { return 1 }
    if a < Double(I.min) { return -1 }
    let whole = I(a.rounded(.down))
    return whole == b ? (a == a.rounded(.down) ? 0 : 1) : whole < b ? -1 : 1
}
