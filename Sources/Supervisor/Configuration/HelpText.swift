/// What a command says of itself when it is asked, in the layout of k3s: who parses `k3s server --help`, or is used to
/// reading it, finds things where they were.
public struct HelpText: Sendable {
    /// `k3s server`, and what it does.
    public var name: String
    public var summary: String
    /// How to call it.
    public var usage: String
    public var version: String?
    /// The commands below it, and what each does.
    public var commands: [(name: String, summary: String)] = []
    public var options: [Option]

    /// Of the whole program.
    public static func program(version: String) -> HelpText {
        HelpText(
            name: "k3s", summary: "Kubernetes, but small and simple",
            usage: "k3s [global options] command [command options]", version: version,
            commands: [
                ("server", "Run management server"), ("help, h", "Shows a list of commands or help for one command"),
            ],
            options: [
                Option("help", .flag, short: "h", help: "show help"),
                Option("version", .flag, short: "v", help: "print the version"),
            ])
    }

    /// Of `k3s server`: of all that does something.
    public static let server: HelpText = {
        let told = Option.server.filter { !$0.help.isEmpty }
        return HelpText(
            name: "k3s server", summary: "Run management server", usage: "k3s server [OPTIONS]",
            // As is usual, that one can ask for help stands last.
            options: told.filter { $0.name != "help" } + told.filter { $0.name == "help" })
    }()

    /// The text, which ends with a line break.
    public var text: String {
        var parts = [("NAME", ["\(name) - \(summary)"]), ("USAGE", [usage])]
        if let version { parts.append(("VERSION", [version])) }
        if !commands.isEmpty { parts.append(("COMMANDS", Self.columns(commands.map { ($0.name, $0.summary) }))) }
        parts.append((commands.isEmpty ? "OPTIONS" : "GLOBAL OPTIONS", Self.columns(options.map(Self.row))))
        return parts.map { title, lines in "\(title):\n" + lines.map { "   \($0)\n" }.joined() }.joined(separator: "\n")
    }

    private static func row(_ option: Option) -> (String, String) {
        var names = option.name.count == 1 ? "-" + option.name : "--" + option.name
        let value = option.kind == .flag ? "" : " " + option.placeholder
        names += value
        if let short = option.short { names += ", -\(short)" + value }
        if case .list = option.kind { names += " [ \(names) ]" }
        var text = option.help
        if let standard = option.standard { text += " (default: \(standard))" }
        if let variable = option.environment { text += " [$\(variable)]" }
        return (names, text)
    }

    private static func columns(_ rows: [(String, String)]) -> [String] {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { first, second in
            first + String(repeating: " ", count: width - first.count + 2) + second
        }
    }
}
