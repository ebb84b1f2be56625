/// A folder as a page, as Go's `http.FileServer` writes it. Pure.
enum FolderPage {
    /// `names` end in a slash where they are folders.
    static func html(_ names: [String]) -> String {
        var text = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n"
        for name in names { text += "<a href=\"\(link(name))\">\(escaped(name))</a>\n" }
        return text + "</pre>\n"
    }

    /// A relative URL with this path. A colon in it would make what stands before it a scheme (RFC 3986, section 4.2).
    private static func link(_ name: String) -> String {
        let path = encoded(name)
        let first = path.utf8.prefix { $0 != UInt8(ascii: "/") }
        return first.contains(UInt8(ascii: ":")) ? "./" + path : path
    }

    /// A path of a URL, its slashes kept (Go, `url.URL.EscapedPath`).
    static func encoded(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122: out.append(byte)
            case _ where kept.contains(byte): out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let kept = Set("-_.~$&+,/:;=@".utf8)

    /// For a place between tags or quotes of HTML.
    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&#34;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }
}
