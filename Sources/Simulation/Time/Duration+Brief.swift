extension Duration {
    /// For lines that people read one below the other: `94.217 s`.
    var brief: String {
        let milliseconds = Int64(self / .milliseconds(1))
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: max(0, 3 - rest.count)) + rest + " s"
    }
}
