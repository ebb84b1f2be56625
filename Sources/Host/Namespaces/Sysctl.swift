public import Support

/// Kernel settings, those of the network in the namespace of the calling thread.
public enum Sysctl {
    // sysctl NAME
    /// The value without its line end. Names as sysctl(8) takes them: with dots, or with slashes where a part
    /// itself has a dot (`net/ipv4/conf/eth0.1/forwarding`).
    public static func read(_ name: String) throws(Fault) -> String {
        let text = try Files.readText(path(of: name), limit: .mebibytes(1))
        return String(text.hasSuffix("\n") ? text.dropLast() : text[...])
    }

    // sysctl -w NAME=VALUE
    /// Sets it and returns what it was before; writes nothing when it is already so.
    @discardableResult
    public static func set(_ name: String, to value: String) throws(Fault) -> String {
        let before = try read(name)
        if before != value { try Files.writeInPlace(value, to: path(of: name)) }
        return before
    }

    /// Whether this kernel, with the modules that are loaded, has the setting.
    public static func exists(_ name: String) -> Bool { Files.exists(path(of: name)) }

    /// The first separator says which one is meant.
    static func path(of name: String) -> String {
        let isDotted = name.first { $0 == "." || $0 == "/" } == "."
        return "/proc/sys/" + (isDotted ? String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 }) : name)
    }
}
