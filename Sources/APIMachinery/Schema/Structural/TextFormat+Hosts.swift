import Support

// Formats of names and addresses, and of spans of time, as loose or strict as the library that Kubernetes uses
// (`kube-openapi`, `strfmt`).
extension TextFormat {
    // MARK: Names

    /// A single name, in which a dash may only come second; or several labels, the last of letters alone.
    static func isHostName(_ text: String) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy({ $0.utf8.count <= 63 }), let last = labels.last else { return false }
        guard labels.count > 1 else {
            guard let first = last.first, isNameCharacter(first) else { return false }
            let rest = last.dropFirst()
            return (rest.first == "-" ? rest.dropFirst() : rest).allSatisfy(isNameCharacter)
        }
        let isTop = last.count > 1 && last.allSatisfy(\.isLetter)
        return isTop
            && labels.dropLast().allSatisfy { label in
                guard let first = label.first, let last = label.last else { return false }
                return isNameCharacter(first) && isNameCharacter(last)
                    && label.allSatisfy { $0 == "-" || isNameCharacter($0) }
            }
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isLetter || character.isSymbol || (character.isASCII && character.isNumber)
    }

    /// An address, alone or in angle brackets behind a name (RFC 5322).
    static func isEmail(_ text: String) -> Bool {
        var address = text[...].drop(while: \.isWhitespace)
        if address.last == ">", let open = address.lastIndex(of: "<") {
            address = address[address.index(after: open)...].dropLast()
        }
        guard let at = address.lastIndex(of: "@") else { return false }
        let (local, domain) = (address[..<at], address[address.index(after: at)...])
        let isQuoted = local.count > 2 && local.hasPrefix("\"") && local.hasSuffix("\"")
        return (isQuoted || isDotAtom(local)) && isDotAtom(domain)
    }

    private static func isDotAtom(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty
                && atom.allSatisfy {
                    !$0.isASCII || $0.isLetter || $0.isNumber || "!#$%&'*+-/=?^_`{|}~".contains($0)
                }
        }
    }

    // MARK: Addresses

    /// With a dot; zeros in front are let pass, as they were before they meant octal numbers to some.
    static func isIPv4(_ text: String) -> Bool { text.contains(".") && IPAddress(withoutZeros(text)) != nil }

    static func isCIDR(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && IPPrefix(withoutZeros(String(parts[0])) + "/" + parts[1]) != nil
    }

    /// Decimal numbers without zeros in front; any other text as it is.
    private static func withoutZeros(_ text: String) -> String {
        guard !text.contains(":") else { return text }
        return text.split(separator: ".", omittingEmptySubsequences: false).map { part in
            let bare = part.drop { $0 == "0" }
            return bare.isEmpty && !part.isEmpty ? "0" : bare
        }.joined(separator: ".")
    }

    /// 6, 8 or 20 bytes: by twos between colons or dashes, or by fours between dots.
    static func isHardwareAddress(_ text: String) -> Bool {
        [6, 8, 20].contains { count in
            groups(text, ":", count, of: 2) || groups(text, "-", count, of: 2) || groups(text, ".", count / 2, of: 4)
        }
    }

    // MARK: Others

    /// Hexadecimal digits, with or without each dash.
    static func isUUID(_ text: String, version: Character?) -> Bool {
        var rest = text[...]
        var parts: [Substring] = []
        for length in [8, 4, 4, 4, 12] {
            if !parts.isEmpty, rest.first == "-" { rest = rest.dropFirst() }
            let part = rest.prefix(length)
            guard part.count == length, part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return false }
            parts.append(part)
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty else { return false }
        guard let version else { return true }
        return parts[2].first == version && (version == "3" || "89abAB".contains(parts[3].first ?? " "))
    }

    /// In whole groups of four, with the padding, of the standard alphabet.
    static func isBase64(_ text: String) -> Bool {
        text.utf8.count % 4 == 0 && !text.contains { "-_\r\n".contains($0) } && Base64.decode(text) != nil
    }

    /// As `rgb(0, 128, 255)`.
    static func isRGB(_ text: String) -> Bool {
        guard text.hasPrefix("rgb("), text.hasSuffix(")") else { return false }
        let parts = text.dropFirst(4).dropLast().split(separator: ",", omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { part in
                let digits = part.filter { !$0.isWhitespace }
                return digits.allSatisfy { $0.isASCII && $0.isNumber } && (digits == "0" || digits.first != "0")
                    && (0...255).contains(Int(digits) ?? -1)
            }
    }

    // MARK: Spans of time

    private static let units: Set<String> = ["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"]
    private static let unitNames = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"]

    /// As Go writes it, or numbers with units somewhere in the text, as Scala does: `22 ns`, `3 weeks`.
    static func isDuration(_ text: String) -> Bool {
        if (try? GoDuration.parse(text)) != nil { return true }
        func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
        var rest = text[...]
        var isFound = false
        while let start = rest.firstIndex(where: isDigit) {
            let number = rest[start...].prefix(while: isDigit)
            rest = rest[number.endIndex...]
            let unit = rest.drop(while: \.isWhitespace).prefix { $0 == "µ" || ($0.isASCII && $0.isLetter) }
            if unit.isEmpty { continue }
            guard Int(number) != nil else { return false }
            let name = unit.lowercased()
            isFound = isFound || units.contains(name) || unitNames.contains(where: name.hasPrefix)
            rest = rest[unit.endIndex...]
        }
        return isFound
    }
}
