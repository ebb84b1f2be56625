import API
import APIMachinery
import Support

/// A node keeps the block of addresses that it was given, and shares it with no other.
struct NodeAddressRule: Rule {
    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard event.kind == "nodes", let new = event.newValue, let block = Self.block(of: new) else {
            return event.kind == "nodes" && event.new != nil ? lost(event) : nil
        }
        if let old = event.oldValue, event.old?.uid == event.new?.uid, let past = Self.block(of: old), past != block {
            return "had the addresses \(past), and now \(block)"
        }
        for (name, other) in ledger.values["nodes"] ?? [:] where name != event.name {
            if let taken = Self.block(of: other), taken.overlaps(block) { return "has the addresses of \(name.name), \(taken)" }
        }
        return nil
    }

    private func lost(_ event: Ledger.Event) -> String? {
        guard event.old?.uid == event.new?.uid, let past = event.oldValue.flatMap(Self.block) else { return nil }
        return "had the addresses \(past), and now none"
    }

    private static func block(of node: Value) -> IPPrefix? { IPPrefix(Node(node).spec.podCIDR) }
}
