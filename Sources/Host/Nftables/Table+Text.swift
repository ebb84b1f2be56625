extension Nftables.Table: CustomStringConvertible {
    /// The table in the language of nft(8): `nft -f` would make the same of it.
    public var description: String {
        var lines = ["table \(family.name) \(name) {"]
        for set in sets { lines += set.lines.map { "\t" + $0 } }
        for chain in chains { lines += chain.lines(in: family).map { "\t" + $0 } }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }
}

extension Nftables.Set {
    fileprivate var lines: [String] {
        var type = "type " + key.map(\.name).joined(separator: " . ")
        switch value {
        case .none: break
        case .verdict: type += " : verdict"
        case .data(let types): type += " : " + types.map(\.name).joined(separator: " . ")
        }
        var lines = ["\(value == .none ? "set" : "map") \(name) {", "\t" + type]
        if let size { lines.append("\tsize \(size)") }
        let names: [(Flags, String)] = [
            (.interval, "interval"), (.timeout, "timeout"), (.dynamic, "dynamic"),
        ]
        let flags = names.filter { self.flags.contains($0.0) }.map(\.1)
        if !flags.isEmpty { lines.append("\tflags " + flags.joined(separator: ",")) }
        if let timeout { lines.append("\ttimeout \(nftText(timeout))") }
        if !elements.isEmpty {
            lines.append("\telements = { \(elements.map(\.description).joined(separator: ", ")) }")
        }
        return lines + ["}"]
    }
}

extension Nftables.Chain {
    fileprivate func lines(in family: Nftables.Family) -> [String] {
        var lines = ["chain \(name) {"]
        if let hook {
            lines.append(
                "\ttype \(hook.type) hook \(hook.point) priority \(hook.priority.number); policy \(policy);")
        }
        return lines + rules.map { "\t" + $0.text(in: family) } + ["}"]
    }
}

extension Nftables.Transaction.Command {
    /// As nft(8) writes it, a long list of elements cut off.
    func text(in transaction: Nftables.Transaction) -> String {
        func few(_ elements: [Nftables.Element]) -> String {
            elements.prefix(3).map(\.description).joined(separator: ", ")
                + (elements.count > 3 ? ", ..." : "")
        }
        return switch self {
        case .addTable: "add table \(transaction.table)"
        case .deleteTable: "delete table \(transaction.table)"
        case .addSet(let set): "add set \(set.name)"
        case .flushSet(let name): "flush set \(name)"
        case .deleteSet(let name): "delete set \(name)"
        case .addElements(let elements, let set): "add element \(set.name) { \(few(elements)) }"
        case .deleteElements(let elements, let set): "delete element \(set.name) { \(few(elements)) }"
        case .addChain(let chain): "add chain \(chain.name)"
        case .flushChain(let name): "flush chain \(name)"
        case .deleteChain(let name): "delete chain \(name)"
        case .addRule(let rule, let chain): "add rule \(chain) \(rule.text(in: transaction.family))"
        }
    }
}
