/// Finds the links in the tags of a web page and replaces them; everything else stays byte by byte. Pure.
///
/// It reads as the tokenizer of HTML does (WHATWG, "Tokenization"), as far as tags and their attributes are concerned:
/// what is in comments, scripts and style sheets is text.
struct HTMLLinks {
    /// Which attributes of which elements are links (W3C, "Index of attributes"), as in Kubernetes.
    private static let attributes: [String: Set<String>] = [
        "a": ["href"], "applet": ["codebase"], "area": ["href"], "audio": ["src"], "base": ["href"],
        "blockquote": ["cite"], "body": ["background"], "button": ["formaction"], "command": ["icon"], "del": ["cite"],
        "embed": ["src"], "form": ["action"], "frame": ["longdesc", "src"], "head": ["profile"],
        "html": ["manifest"], "iframe": ["longdesc", "src"], "img": ["longdesc", "src", "usemap"],
        "input": ["src", "usemap", "formaction"], "ins": ["cite"], "link": ["href"],
        "object": ["classid", "codebase", "data", "usemap"], "q": ["cite"], "script": ["src"], "source": ["src"],
        "video": ["poster", "src"],
    ]

    /// Elements whose content is text up to their end tag, whatever it looks like.
    private static let textElements: Set<String> = [
        "iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp",
    ]

    private let page: [UInt8]
    private let change: (String) -> String
    private var output: [UInt8] = []
    /// How much of the page is in the output.
    private var copied = 0
    private var at = 0

    /// The page, in UTF-8 or another extension of ASCII, with the links that `change` makes of its own.
    static func replace(in page: [UInt8], _ change: @escaping (String) -> String) -> [UInt8] {
        var links = HTMLLinks(page, change)
        links.readPage()
        guard links.copied > 0 else { return page }
        return links.output + page[links.copied...]
    }

    private init(_ page: [UInt8], _ change: @escaping (String) -> String) {
        self.page = page
        self.change = change
    }

    // MARK: Reading

    private mutating func readPage() {
        while let open = page[at...].firstIndex(of: UInt8(ascii: "<")) {
            at = open + 1
            guard let byte = present else { return }
            if Self.isLetter(byte) {
                readTag()
            } else if page[at...].starts(with: "!--".utf8) {
                at += 1
                skip(past: Array("-->".utf8))
            } else if "!?/".utf8.contains(byte) {
                skip(past: [UInt8(ascii: ">")])
            }
        }
    }

    private mutating func readTag() {
        let tag = take { !Self.isSpace($0) && !"/>".utf8.contains($0) }
        let element = text(of: tag)
        let links = Self.attributes[element] ?? []
        while true {
            _ = take { Self.isSpace($0) || $0 == UInt8(ascii: "/") }
            guard let byte = present else { return }
            if byte == UInt8(ascii: ">") {
                at += 1
                break
            }
            let start = at
            // The first byte belongs to the name, whatever it is.
            at += 1
            _ = take { !Self.isSpace($0) && !"/=>".utf8.contains($0) }
            let name = text(of: start..<at)
            guard let value = takeValue() else { continue }
            if links.contains(name) { replace(value) }
        }
        if Self.textElements.contains(element) { skipText(of: Array(element.utf8)) }
        if element == "plaintext" { at = page.count }
    }

    /// Where the value of the attribute lies whose name was read; `nil` when it has none.
    private mutating func takeValue() -> Range<Int>? {
        _ = take(while: Self.isSpace)
        guard present == UInt8(ascii: "=") else { return nil }
        at += 1
        _ = take(while: Self.isSpace)
        guard let quote = present, quote != UInt8(ascii: ">") else { return nil }
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            return take { !Self.isSpace($0) && $0 != UInt8(ascii: ">") }
        }
        at += 1
        let value = take { $0 != quote }
        guard present != nil else { return nil }
        at += 1
        return value
    }

    /// Goes to the end tag of the element, or to the end of the page.
    private mutating func skipText(of element: [UInt8]) {
        while let open = page[at...].firstIndex(of: UInt8(ascii: "<")) {
            let (start, end) = (open + 2, open + 2 + element.count)
            at = open + 1
            guard end < page.count, page[at] == UInt8(ascii: "/"), Array(text(of: start..<end).utf8) == element,
                Self.isSpace(page[end]) || "/>".utf8.contains(page[end])
            else { continue }
            at = open
            return
        }
        at = page.count
    }

    private mutating func skip(past mark: [UInt8]) {
        while at < page.count {
            if page[at...].starts(with: mark) {
                at += mark.count
                return
            }
            at += 1
        }
    }

    private var present: UInt8? { at < page.count ? page[at] : nil }

    private mutating func take(while isTaken: (UInt8) -> Bool) -> Range<Int> {
        let start = at
        while at < page.count, isTaken(page[at]) { at += 1 }
        return start..<at
    }

    /// A name as it is compared: without regard to the case of ASCII.
    private func text(of range: Range<Int>) -> String {
        let bytes = page[range].map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [9, 10, 12, 13, 32].contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

    // MARK: Replacing

    private mutating func replace(_ range: Range<Int>) {
        guard let written = String(validating: page[range], as: UTF8.self) else { return }
        // A reference that is not understood is left as it is, and the link is read as it is written.
        let plain = CharacterReferences.resolve(written)
        let link = plain ?? written
        let changed = change(link)
        guard changed != link else { return }
        let isQuoted = "\"'".utf8.contains(page[range.lowerBound - 1])
        let value = plain == nil ? changed : CharacterReferences.escape(changed)
        output += page[copied..<range.lowerBound]
        output += (isQuoted ? value : "\"\(value)\"").utf8
        copied = range.upperBound
    }
}

/// The characters that HTML writes by number or by name (WHATWG, "Named character references"). Pure.
enum CharacterReferences {
    private static let names: [Substring: Character] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "sol": "/",
    ]

    /// The text that is meant; `nil` when it has a reference by a name that is not among the few of markup itself.
    static func resolve(_ text: String) -> String? {
        var plain = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "&") {
            plain += rest[..<mark]
            rest = rest[rest.index(after: mark)...]
            guard let end = rest.firstIndex(where: { !$0.isASCII || !($0.isLetter || $0.isNumber || $0 == "#") }),
                rest[end] == ";", end != rest.startIndex
            else {
                // An ampersand that stands for itself, as between the items of a query.
                plain += "&"
                continue
            }
            guard let character = character(rest[..<end]) else { return nil }
            plain.append(character)
            rest = rest[rest.index(after: end)...]
        }
        return plain + rest
    }

    private static func character(_ reference: Substring) -> Character? {
        guard reference.first == "#" else { return names[reference] }
        let digits = reference.dropFirst()
        let isHexadecimal = digits.first == "x" || digits.first == "X"
        let number = isHexadecimal ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap { Unicode.Scalar($0) }.map { Character($0) }
    }

    /// The text as it may stand between quotes of either kind.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&#34;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
