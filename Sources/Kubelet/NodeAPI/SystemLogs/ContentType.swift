/// What a file holds, as Go's `http.FileServer` tells it: by the end of its name, else by how it begins (the WHATWG's
/// "MIME Sniffing Standard"), for the kinds that are found among logs. Pure.
enum ContentType {
    /// As many bytes at the beginning count.
    static let sniffed = 512

    static func of(_ name: String, beginning: [UInt8]) -> String {
        let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? ""
        return endings[String(ending)] ?? endings[ending.lowercased()] ?? sniff(beginning.prefix(sniffed))
    }

    /// Those that Go knows on every system (package `mime`).
    private static let endings = [
        "avif": "image/avif", "css": "text/css; charset=utf-8", "gif": "image/gif", "htm": "text/html; charset=utf-8",
        "html": "text/html; charset=utf-8", "jpeg": "image/jpeg", "jpg": "image/jpeg",
        "js": "text/javascript; charset=utf-8", "json": "application/json", "mjs": "text/javascript; charset=utf-8",
        "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "wasm": "application/wasm",
        "webp": "image/webp", "xml": "text/xml; charset=utf-8",
    ]

    /// What a file of that kind begins with.
    private static let beginnings: [(bytes: [UInt8], type: String)] = [
        (Array("%PDF-".utf8), "application/pdf"), (Array("%!PS-Adobe-".utf8), "application/postscript"),
        ([0xFE, 0xFF], "text/plain; charset=utf-16be"), ([0xFF, 0xFE], "text/plain; charset=utf-16le"),
        ([0xEF, 0xBB, 0xBF], "text/plain; charset=utf-8"), (Array("GIF87a".utf8), "image/gif"),
        (Array("GIF89a".utf8), "image/gif"), ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "image/png"),
        ([0xFF, 0xD8, 0xFF], "image/jpeg"), ([0x1F, 0x8B, 0x08], "application/x-gzip"),
        ([0x50, 0x4B, 0x03, 0x04], "application/zip"), ([0x00, 0x61, 0x73, 0x6D], "application/wasm"),
    ]

    /// In capitals; a space or `>` follows.
    private static let tags = [
        "<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A", "<STYLE",
        "<TITLE", "<B", "<BODY", "<BR", "<P", "<!--",
    ]

    private static func sniff(_ bytes: ArraySlice<UInt8>) -> String {
        let text = bytes.drop { [9, 10, 12, 13, 32].contains($0) }
        // Only ASCII counts.
        let capitals = text.prefix(16).map { (97...122).contains($0) ? $0 - 32 : $0 }
        for tag in tags where capitals.starts(with: tag.utf8) {
            if let next = capitals.dropFirst(tag.utf8.count).first, next == 32 || next == UInt8(ascii: ">") {
                return "text/html; charset=utf-8"
            }
        }
        if text.starts(with: "<?xml".utf8) { return "text/xml; charset=utf-8" }
        if let known = beginnings.first(where: { bytes.starts(with: $0.bytes) }) { return known.type }
        return text.contains(where: isBinary) ? "application/octet-stream" : "text/plain; charset=utf-8"
    }

    private static func isBinary(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00...0x08, 0x0B, 0x0E...0x1A, 0x1C...0x1F: true
        default: false
        }
    }
}
