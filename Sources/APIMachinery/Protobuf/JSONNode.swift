import Support

/// One value of canonical JSON, read where it lies.
struct JSONNode {
    /// Its text as it stands.
    let bytes: UnsafeBufferPointer<UInt8>

    private var first: UInt8 { bytes.isEmpty ? 0 : bytes[0] }

    var isNull: Bool { first == UInt8(ascii: "n") }
    var isObject: Bool { first == UInt8(ascii: "{") }
    var isArray: Bool { first == UInt8(ascii: "[") }
    var isText: Bool { first == UInt8(ascii: "\"") }
    /// `nil` for what is no Boolean.
    var flag: Bool? {
        switch first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// The bytes between the quotes of a text without escapes; `nil` of any other.
    var plainText: UnsafeBufferPointer<UInt8>? {
        guard isText, bytes.count >= 2 else { return nil }
        let inside = UnsafeBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
        return TextScan.endOfPlainText(from: 0, in: inside) == inside.count ? inside : nil
    }

    /// The text that is meant; `nil` when the value is none.
    var text: String? {
        if let plainText { return String(decoding: plainText, as: UTF8.self) }
        return isText ? value?.string : nil
    }

    /// A number as most are written: a few digits. Others are left to ``value``.
    var shortInteger: Int64? {
        let isNegative = first == UInt8(ascii: "-")
        let digits = bytes[(isNegative ? 1 : 0)...]
        guard (1...18).contains(digits.count) else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return isNegative ? -number : number
    }

    /// The value as a tree.
    var value: Value? { try? Value(json: Array(bytes), limits: .own) }

    /// What a person calls this kind of value.
    var kindName: String { value?.kindName ?? "no value" }
}
