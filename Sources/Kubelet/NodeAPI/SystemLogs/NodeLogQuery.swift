import APIMachinery
import Support
import Wire

/// A question about the logs of a node's services (KEP-2258), as the query of `/logs/` asks it. Pure.
struct NodeLogQuery: Hashable, Sendable {
    /// What cannot be asked so: problems in the form in which the API tells those of fields.
    struct Invalid: Error, Hashable {
        var problems: [String]

        /// One text, as Kubernetes joins them.
        var message: String {
            var told: [String] = []
            for problem in problems where !told.contains(problem) { told.append(problem) }
            return told.count == 1 ? told[0] : "[" + told.joined(separator: ", ") + "]"
        }
    }

    private enum Limits {
        static let services = 4
        /// In bytes.
        static let nameLength = 256
        static let lines = 100_000
    }

    var services: [String] = []
    /// Paths below the folder of the system's logs: what was asked for with a slash in it.
    var files: [String] = []
    var since: Timestamp?
    var until: Timestamp?
    var tailLines: Int?
    /// 0 for the present start of the machine, -1 for the one before.
    var boot: Int?
    /// A regular expression.
    var pattern = ""

    /// Whether more is said than where to look.
    var hasOptions: Bool {
        since != nil || until != nil || tailLines != nil || boot != nil || !pattern.isEmpty
    }

    /// `nil` when nothing is asked: then the path of the request tells the file.
    static func read(_ query: HTTPQuery) throws(Invalid) -> NodeLogQuery? {
        var asked = NodeLogQuery()
        var problems: [String] = []
        let sources = query.values(of: "query")
        for source in sources {
            if source.contains(where: { $0 == "/" || $0 == "\\" }) {
                asked.files.append(source)
            } else if source.contains(where: { !$0.isWhitespace }) {
                asked.services.append(source)
            }
        }
        if !sources.isEmpty, asked.files.isEmpty, asked.services.isEmpty {
            problems.append(invalid("query", list(sources), "query cannot be empty"))
        }
        func time(_ name: String) -> Timestamp? {
            guard let text = query[name], !text.isEmpty else { return nil }
            let time = Timestamp(text)
            if time == nil { problems.append(invalid(name, QuotedText.quoted(text), "invalid time format")) }
            return time
        }
        func number(_ name: String) -> Int? {
            guard let text = query[name], !text.isEmpty else { return nil }
            let number = Int(text)
            if number == nil { problems.append(invalid(name, QuotedText.quoted(text), numberProblem(text))) }
            return number
        }
        asked.since = time("sinceTime")
        asked.until = time("untilTime")
        asked.boot = number("boot")
        asked.tailLines = number("tailLines")
        asked.pattern = query["pattern"] ?? ""
        guard problems.isEmpty else { throw Invalid(problems: problems) }
        return asked == NodeLogQuery() ? nil : asked
    }

    /// Fails for what cannot be answered. `fileProblem` tells why a file cannot be had, `nil` for one that can.
    func validate(_ fileProblem: (String) -> String?) throws(Invalid) {
        var problems: [String] = []
        for service in services {
            if let problem = Self.nameProblem(service) {
                problems.append(Self.invalid("query", QuotedText.quoted(service), problem))
            }
        }
        if services.count > Limits.services {
            problems.append("query: Too many: \(services.count): must have at most \(Limits.services) items")
        }
        if let problem = sourceProblem(fileProblem) { problems.append(problem) }
        if let since, let until, since > until {
            problems.append(Self.invalid("untilTime", Self.text(until), "must be after `sinceTime`"))
        }
        if let boot, boot > 0 { problems.append(Self.invalid("boot", "\(boot)", "must be less than 1")) }
        if let tailLines, !(0...Limits.lines).contains(tailLines) {
            problems.append(
                Self.invalid("tailLines", "\(tailLines)", "must be between 0 and \(Limits.lines), inclusive"))
        }
        do throws(RegularExpressionError) { _ = try RegularExpression(pattern) } catch {
            problems.append(Self.invalid("pattern", QuotedText.quoted(pattern), error.description))
        }
        guard problems.isEmpty else { throw Invalid(problems: problems) }
    }

    /// What `journalctl` is told for these of the services. Times are in UTC, whatever the machine's zone is.
    func journalArguments(_ services: [String]) -> [String] {
        var arguments = ["--utc", "--no-pager", "--output=short-precise"]
        if let since { arguments.append("--since=" + Self.journalText(since)) }
        if let until { arguments.append("--until=" + Self.journalText(until)) }
        if let tailLines { arguments += ["--pager-end", "--lines=\(tailLines)"] }
        arguments += services.map { "--unit=" + $0 }
        if !pattern.isEmpty { arguments += ["--grep=" + pattern, "--case-sensitive=false"] }
        if let boot { arguments += ["--boot", "\(boot)"] }
        return arguments
    }

    // MARK: Problems

    private func sourceProblem(_ fileProblem: (String) -> String?) -> String? {
        switch (files.count, services.count) {
        case (0, 0): return "query: Required value: cannot be empty with options"
        case (1..., 1...):
            let both = "[\(files.joined(separator: " "))], [\(services.joined(separator: " "))]"
            return Self.invalid("query", QuotedText.quoted(both), "cannot specify a file and service")
        case (2..., _):
            return Self.invalid("query", Self.list(files), "cannot specify more than one file")
        case (1, _) where hasOptions:
            return Self.invalid("query", Self.list(files), "cannot specify file with options")
        case (1, _): return fileProblem(files[0]).map { Self.invalid("query", Self.list(files), $0) }
        default: return nil
        }
    }

    /// Names reach the arguments of a program: nothing but these characters is in those of units.
    private static func nameProblem(_ name: String) -> String? {
        // The words are those of Kubernetes; the number is not the limit.
        guard name.utf8.count <= Limits.nameLength else { return "length must be less than 100" }
        let isSafe = name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            default: "-_.:@".utf8.contains(byte)
            }
        }
        return isSafe ? nil : "input contains unsupported characters"
    }

    /// In the words of Go's `strconv.Atoi`.
    private static func numberProblem(_ text: String) -> String {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
        let reason = isNumber ? "value out of range" : "invalid syntax"
        return "strconv.Atoi: parsing \(QuotedText.quoted(text)): \(reason)"
    }

    private static func invalid(_ field: String, _ value: String, _ detail: String) -> String {
        "\(field): Invalid value: \(value): \(detail)"
    }

    /// As Go's `%#v` prints it.
    private static func list(_ texts: [String]) -> String {
        "[]string{" + texts.map { QuotedText.quoted($0) }.joined(separator: ", ") + "}"
    }

    // MARK: Times

    /// `2026-01-02 03:04:05`
    private static func plain(_ time: Timestamp) -> String {
        time.description.replacing("T", with: " ").replacing("Z", with: "")
    }

    /// As Go prints times.
    private static func text(_ time: Timestamp) -> String { plain(time) + " +0000 UTC" }

    /// As systemd reads them (systemd.time(7)).
    private static func journalText(_ time: Timestamp) -> String { plain(time) + " UTC" }
}
