import API
import APIMachinery
import Host
import Support

/// A file with variables that an init container wrote into an `emptyDir` (KEP 3721).
///
/// Its form is a small part of the shell's: `NAME='value'`, where the value may have several lines and is taken as it
/// is, with blank lines and comments between. Two quoted parts may follow each other, as the shell joins them.
enum EnvironmentFile {
    /// No file of variables is larger.
    static let limit = ByteCount(64 << 10)

    /// What a reference leads to; `nil` when it may be missing and is. `volume` is where the volume is.
    static func value(of reference: FileKeySelector, volume: String?) throws(Fault) -> String? {
        guard let volume else {
            throw Fault(.notFound, "cannot find the volume \(GoText.quoted(reference.volumeName)) referenced by FileKeyRef")
        }
        let isOptional = reference.optional ?? false
        let bytes: [UInt8]
        do throws(Fault) {
            // A container may have put a link in the place of the file: nothing outside the volume is read.
            let file = try Files.reference(reference.path, beneath: volume)
            guard try Files.status(of: file.procPath).kind == .regular else {
                throw Fault(.invalid, "\(reference.path) is no file")
            }
            bytes = try Files.read(file.procPath, limit: limit)
        } catch {
            if isOptional, error.code == .notFound { return nil }
            throw Fault(
                error.code, "failed to open environment variable file \(GoText.quoted(reference.path))", cause: error)
        }
        if let value = try value(of: reference.key, in: String(decoding: bytes, as: UTF8.self)) { return value }
        if isOptional { return nil }
        throw Fault(
            .notFound, "environment variable key \(GoText.quoted(reference.key)) not found in file "
                + GoText.quoted(reference.path))
    }

    /// The value of a name in the text of a file; `nil` when it is not there. Fails with `invalid` where the text up
    /// to there has another form.
    static func value(of name: String, in text: String) throws(Fault) -> String? {
        var rest = Substring(text)
        var line = 1
        while !rest.isEmpty {
            rest = rest.drop { $0 == " " || $0 == "\t" }
            guard let first = rest.first else { break }
            if first == "\n" || first == "\r\n" || first == "#" {
                skipLine(&rest, &line)
                continue
            }
            let start = rest
            guard let end = rest.firstIndex(where: { $0 == "=" || $0.isNewline }), rest[end] == "=" else {
                throw invalid(line, "missing '='")
            }
            let found = start[..<end]
            guard !found.isEmpty else { throw invalid(line, "empty variable name") }
            guard found.last != " ", found.last != "\t" else { throw invalid(line, "whitespace before '='") }
            rest = rest[rest.index(after: end)...]
            let value = try value(&rest, &line)
            if found == name { return value }
            skipLine(&rest, &line)
        }
        return nil
    }

    /// The quoted parts right behind the `=`; whitespace there makes the value empty, as in the shell.
    private static func value(_ rest: inout Substring, _ line: inout Int) throws(Fault) -> String {
        var value = ""
        let start = line
        while let first = rest.first, !first.isNewline, first != " ", first != "\t" {
            guard first == "'" else { throw invalid(line, "value must be enclosed in single quotes") }
            let quoted = rest.dropFirst()
            guard let end = quoted.firstIndex(of: "'") else { throw invalid(start, "unclosed single quote") }
            value += quoted[..<end]
            line += quoted[..<end].count { $0.isNewline }
            rest = quoted[quoted.index(after: end)...]
        }
        return value
    }

    private static func skipLine(_ rest: inout Substring, _ line: inout Int) {
        guard let end = rest.firstIndex(where: \.isNewline) else { return rest = "" }
        rest = rest[rest.index(after: end)...]
        line += 1
    }

    private static func invalid(_ line: Int, _ what: String) -> Fault {
        Fault(.invalid, "invalid environment variable format at line \(line): \(what)")
    }
}
