/// `mantissa * 10^exponent`, exact as long as 38 digits suffice.
///
/// What does not fit is rounded away from zero at its last digit, so that nobody gets less than was asked for.
struct DecimalNumber: Sendable {
    /// Without zeros at its end, except for zero itself, whose exponent is 0. So equal numbers have equal parts.
    private(set) var mantissa: Int128
    private(set) var exponent: Int

    static let zero = DecimalNumber(0)

    init(_ mantissa: Int128, exponent: Int = 0) {
        self.mantissa = mantissa
        self.exponent = mantissa == 0 ? 0 : exponent
        while self.mantissa != 0, self.mantissa % 10 == 0 {
            self.mantissa /= 10
            self.exponent += 1
        }
    }

    /// Reads ASCII digits as a whole number.
    init(digits: some Sequence<UInt8>, exponent: Int) {
        var (mantissa, dropped, isInexact) = (Int128(0), 0, false)
        for digit in digits {
            if dropped == 0 {
                let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(Int128(digit - 48))
                if !overflow, !carry {
                    mantissa = sum
                    continue
                }
            }
            dropped += 1
            isInexact = isInexact || digit != 48
        }
        self.init(isInexact && mantissa < .max ? mantissa + 1 : mantissa, exponent: exponent + dropped)
    }

    var isZero: Bool { mantissa == 0 }
    var isWhole: Bool { exponent >= 0 }

    static prefix func - (number: DecimalNumber) -> DecimalNumber {
        DecimalNumber(number.mantissa == .min ? .max : -number.mantissa, exponent: number.exponent)
    }

    static func + (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
        if a.isZero { return b }
        if b.isZero { return a }
        let (high, low) = a.exponent >= b.exponent ? (a, b) : (b, a)
        var (mantissa, exponent) = (high.mantissa, high.exponent)
        while exponent > low.exponent, mantissa.magnitude < UInt128(Int128.max) / 100 {
            mantissa *= 10
            exponent -= 1
        }
        let addend = low.rounded(toExponent: exponent).mantissa(at: exponent)
        let (sum, isOver) = mantissa.addingReportingOverflow(addend)
        guard isOver else { return DecimalNumber(sum, exponent: exponent) }
        // Both have the same sign and 39 digits: the last one makes room for the carry.
        let (left, right) = (mantissa.quotientAndRemainder(dividingBy: 10), addend.quotientAndRemainder(dividingBy: 10))
        let rest = left.remainder + right.remainder
        let carry = rest / 10 + (rest % 10).signum()
        return DecimalNumber(left.quotient + right.quotient + carry, exponent: exponent + 1)
    }

    /// Multiplied by a power of two; `nil` when that does not fit.
    func shifted(left bits: Int) -> DecimalNumber? {
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: Int128(1) << Int128(bits))
        return overflow ? nil : DecimalNumber(product, exponent: exponent)
    }

    func scaled(byPowerOfTen power: Int) -> DecimalNumber {
        DecimalNumber(mantissa, exponent: exponent + power)
    }

    /// The nearest multiple of `10^exponent` that is not nearer to zero.
    func rounded(toExponent lowest: Int) -> DecimalNumber {
        guard exponent < lowest else { return self }
        guard lowest - exponent < 39 else { return DecimalNumber(mantissa.signum(), exponent: lowest) }
        var (quotient, isInexact) = (mantissa, false)
        for _ in exponent..<lowest {
            isInexact = isInexact || quotient % 10 != 0
            quotient /= 10
        }
        return DecimalNumber(isInexact ? quotient + mantissa.signum() : quotient, exponent: lowest)
    }

    /// The number in units of `10^unit`; saturates. The number must be a multiple of the unit.
    func mantissa(at unit: Int) -> Int128 {
        precondition(isZero || exponent >= unit, "round first")
        var result = mantissa
        for _ in 0..<max(0, isZero ? 0 : exponent - unit) {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            if overflow { return result < 0 ? .min : .max }
            result = product
        }
        return result
    }

    /// In units of `10^unit`, rounded away from zero; saturates at the bounds of 64 bits.
    func integer(at unit: Int) -> Int64 { Int64(clamping: rounded(toExponent: unit).mantissa(at: unit)) }

    static func isLess(_ a: DecimalNumber, than b: DecimalNumber) -> Bool {
        if a.mantissa.signum() != b.mantissa.signum() { return a.mantissa < b.mantissa }
        if a.exponent == b.exponent { return a.mantissa < b.mantissa }
        // Of the same sign: first by the place of the leading digit, which cannot overflow.
        let (aPlace, bPlace) = (a.leadingPlace, b.leadingPlace)
        if aPlace != bPlace { return (aPlace < bPlace) == (a.mantissa > 0) }
        let unit = min(a.exponent, b.exponent)
        return a.mantissa(at: unit) < b.mantissa(at: unit)
    }

    /// The power of ten of the first digit.
    private var leadingPlace: Int {
        var (rest, place) = (mantissa.magnitude, exponent)
        while rest >= 10 { (rest, place) = (rest / 10, place + 1) }
        return place
    }
}

extension DecimalNumber: Hashable {}
