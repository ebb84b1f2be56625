import Support

/// The values of `format` that are checked, as Kubernetes does; any other says nothing.
enum TextFormat {
    /// Whether a text has the format.
    static func holds(_ format: String, _ text: String) -> Bool {
        switch format.filter({ $0 != "-" }) {
        case "datetime": Timestamp(text) != nil
        case "date": isDate(text)
        case "duration": isDuration(text)
        case "ipv4": isIPv4(text)
        case "ipv6": text.contains(":") && IPAddress(text) != nil
        case "cidr": isCIDR(text)
        case "mac": isHardwareAddress(text)
        case "uuid": isUUID(text, version: nil)
        case "uuid3": isUUID(text, version: "3")
        case "uuid4": isUUID(text, version: "4")
        case "uuid5": isUUID(text, version: "5")
        case "byte": isBase64(text)
        case "hostname": isHostName(text)
        case "email": isEmail(text)
        case "uri": isURI(text)
        case "hexcolor": isHexColour(text)
        case "rgbcolor": isRGB(text)
        case "bsonobjectid": text.utf8.count == 24 && text.allSatisfy(\.isASCIIHexDigit)
        case "isbn": isISBN10(text) || isISBN13(text)
        case "isbn10": isISBN10(text)
        case "isbn13": isISBN13(text)
        case "creditcard": isCardNumber(text)
        case "ssn": groups(text, [3, 2, 4], "-") || groups(text, [3, 2, 4], " ")
        case "k8sshortname": NameRule.dns1123Label.accepts(text)
        case "k8slongname": NameRule.dns1123Subdomain.accepts(text)
        default: true
        }
    }

    private static func isDate(_ text: String) -> Bool {
        groups(text, [4, 2, 2], "-") && Timestamp(text + "T00:00:00Z") != nil
    }

    /// Absolute, or a path: what Go's `url.ParseRequestURI` takes.
    private static func isURI(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        if text.hasPrefix("/") { return true }
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, text[text.startIndex].isLetter else {
            return false
        }
        return text[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
            && text[colon...].count > 1
    }

    private static func isHexColour(_ text: String) -> Bool {
        let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
        return (digits.count == 3 || digits.count == 6) && digits.allSatisfy(\.isASCIIHexDigit)
    }

    private static func isISBN10(_ text: String) -> Bool {
        let digits = Array(text.filter { $0 != "-" && $0 != " " })
        guard digits.count == 10 else { return false }
        var sum = 0
        for (index, digit) in digits.enumerated() {
            guard let number = digit == "X" && index == 9 ? 10 : digit.wholeNumberValue else { return false }
            sum += (10 - index) * number
        }
        return sum % 11 == 0
    }

    private static func isISBN13(_ text: String) -> Bool {
        let digits = text.filter { $0 != "-" && $0 != " " }.map(\.wholeNumberValue)
        guard digits.count == 13, !digits.contains(nil) else { return false }
        return digits.enumerated().reduce(0) { $0 + ($1.element ?? 0) * ($1.offset % 2 == 0 ? 1 : 3) } % 10 == 0
    }

    /// By its check digit (ISO/IEC 7812-1).
    private static func isCardNumber(_ text: String) -> Bool {
        let digits = text.filter { $0 != "-" && $0 != " " }.map(\.wholeNumberValue)
        guard (12...19).contains(digits.count), !digits.contains(nil) else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
            let doubled = (digit.element ?? 0) * (digit.offset % 2 == 0 ? 1 : 2)
            return sum + (doubled > 9 ? doubled - 9 : doubled)
        }
        return sum % 10 == 0
    }

    static func groups(_ text: String, _ separator: Character, _ count: Int, of length: Int) -> Bool {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        return parts.count == count && parts.allSatisfy { $0.count == length && $0.allSatisfy(\.isASCIIHexDigit) }
    }

    private static func groups(_ text: String, _ lengths: [Int], _ separator: Character) -> Bool {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        return parts.map(\.count) == lengths && parts.joined().allSatisfy { $0.isASCII && $0.isNumber }
    }
}

extension Character {
    fileprivate var isASCIIHexDigit: Bool { isASCII && isHexDigit }
}
