import Synchronization

/// What `\p{...}` names: general categories, scripts, and a few sets beside them (Unicode Technical Standard #18, as
/// Go's regular expressions read it).
extension ScalarSet {
    /// Case, spaces, hyphens and underscores in a name mean nothing. `nil` for a name of nothing.
    static func named(_ name: String) -> ScalarSet? {
        let name = plain(name)
        switch name {
        case "any": return .all
        case "ascii": return ScalarSet([0...127])
        case "assigned": return category("cn")?.inverted
        default: return category(categoryAliases[name] ?? name) ?? script(name)
        }
    }

    private static func plain(_ name: some StringProtocol) -> String {
        String(name.unicodeScalars.filter { $0 != "_" && $0 != "-" && $0 != " " }
            .map { ("A"..."Z").contains($0) ? Character(UnicodeScalar(UInt8($0.value) + 32)) : Character($0) })
    }

    /// There are few names, and finding out what they stand for takes a look at each scalar there is.
    private static let known = Mutex<[String: ScalarSet]>([:])

    private static func remembered(_ name: String, _ make: () -> ScalarSet?) -> ScalarSet? {
        if let found = known.withLock({ $0[name] }) { return found }
        guard let made = make() else { return nil }
        known.withLock { $0[name] = made }
        return made
    }

    // MARK: General categories

    /// The scalars of a general category (`lu`), or of all whose name begins with one letter (`l`).
    private static func category(_ name: String) -> ScalarSet? {
        let members = name == "lc" ? ["lu", "ll", "lt"] : categories.keys.filter { $0.hasPrefix(name) }
        guard (1...2).contains(name.utf8.count), !members.isEmpty else { return nil }
        return remembered(name) { scalars(of: Set(members.compactMap { categories[$0] })) }
    }

    private static func scalars(of categories: Set<Unicode.GeneralCategory>) -> ScalarSet {
        var ranges: [ClosedRange<UInt32>] = []
        var start: UInt32?
        for value in 0...greatest {
            let category = Unicode.Scalar(value)?.properties.generalCategory ?? .surrogate
            let isMember = categories.contains(category)
            if isMember, start == nil { start = value }
            if !isMember, let first = start {
                ranges.append(first...(value - 1))
                start = nil
            }
        }
        if let first = start { ranges.append(first...greatest) }
        return ScalarSet(ranges)
    }

    /// The two-letter names of the Unicode standard.
    private static let categories: [String: Unicode.GeneralCategory] = [
        "lu": .uppercaseLetter, "ll": .lowercaseLetter, "lt": .titlecaseLetter, "lm": .modifierLetter,
        "lo": .otherLetter, "mn": .nonspacingMark, "mc": .spacingMark, "me": .enclosingMark,
        "nd": .decimalNumber, "nl": .letterNumber, "no": .otherNumber, "pc": .connectorPunctuation,
        "pd": .dashPunctuation, "ps": .openPunctuation, "pe": .closePunctuation, "pi": .initialPunctuation,
        "pf": .finalPunctuation, "po": .otherPunctuation, "sm": .mathSymbol, "sc": .currencySymbol,
        "sk": .modifierSymbol, "so": .otherSymbol, "zs": .spaceSeparator, "zl": .lineSeparator,
        "zp": .paragraphSeparator, "cc": .control, "cf": .format, "co": .privateUse, "cs": .surrogate,
        "cn": .unassigned,
    ]

    /// Longer names of categories (`PropertyValueAliases.txt` of the Unicode Character Database).
    private static let categoryAliases: [String: String] = [
        "other": "c", "control": "cc", "cntrl": "cc", "format": "cf", "unassigned": "cn", "privateuse": "co",
        "surrogate": "cs", "letter": "l", "casedletter": "lc", "lowercaseletter": "ll", "modifierletter": "lm",
        "otherletter": "lo", "titlecaseletter": "lt", "uppercaseletter": "lu", "mark": "m", "combiningmark": "m",
        "spacingmark": "mc", "enclosingmark": "me", "nonspacingmark": "mn", "number": "n", "decimalnumber": "nd",
        "digit": "nd", "letternumber": "nl", "othernumber": "no", "punctuation": "p", "punct": "p",
        "connectorpunctuation": "pc", "dashpunctuation": "pd", "closepunctuation": "pe", "finalpunctuation": "pf",
        "initialpunctuation": "pi", "otherpunctuation": "po", "openpunctuation": "ps", "symbol": "s",
        "currencysymbol": "sc", "modifiersymbol": "sk", "mathsymbol": "sm", "othersymbol": "so", "separator": "z",
        "lineseparator": "zl", "paragraphseparator": "zp", "spaceseparator": "zs",
    ]

    // MARK: Scripts

    private static func script(_ name: String) -> ScalarSet? {
        remembered(name) {
            for script in "\(ScriptTable.text)".split(separator: " ") {
                let parts = script.split(separator: "=")
                if parts.count == 2, plain(parts[0]) == name { return read(parts[1]) }
            }
            return nil
        }
    }

    /// Reads ranges in the form of ``ScriptTable``.
    private static func read(_ text: Substring) -> ScalarSet {
        var values: [UInt8: UInt32] = [:]
        for (value, digit) in "\(ScriptTable.digits)".utf8.enumerated() { values[digit] = UInt32(value) }
        var numbers: [UInt32] = []
        var (number, shift): (UInt32, UInt32) = (0, 0)
        for byte in text.utf8 {
            let digit = values[byte] ?? 0
            number |= (digit % 32) << shift
            shift += 5
            guard digit < 32 else { continue }
            numbers.append(number)
            (number, shift) = (0, 0)
        }
        var (ranges, next): ([ClosedRange<UInt32>], UInt32) = ([], 0)
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            let first = next + numbers[index]
            let last = first + numbers[index + 1]
            ranges.append(first...last)
            next = last + 1
        }
        return ScalarSet(ranges)
    }
}
