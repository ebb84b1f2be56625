import Host

/// The steps from some pieces of the table to others, in an order that the kernel accepts: nothing is
/// referred to before it is there, nothing goes while it is referred to.
struct RuleSteps {
    let before: RulePieces
    let after: RulePieces
    /// Shared pieces that become needed, and that no longer are.
    let needed: [RulePieces.Shared]
    let unneeded: [RulePieces.Shared]

    func transaction(_ table: String) -> Nftables.Transaction {
        var transaction = Nftables.Transaction(.inet, table)
        let lost = before.entries.subtracting(after.entries)
        let won = after.entries.subtracting(before.entries)
        for (map, elements) in grouped(Array(lost) + unneeded.compactMap(\.entry)) {
            transaction.delete(elements.map { .init(key: $0.key, value: .none) }, from: map)
        }
        let goneChains = before.chains.keys.filter { after.chains[$0] == nil }.sorted()
        let changedChains = after.chains.values.filter { before.chains[$0.name] != $0 }.sorted {
            $0.name < $1.name
        }
        let emptied = goneChains + changedChains.map(\.name).filter { before.chains[$0] != nil }
        for name in emptied { transaction.flush(chain: name) }

        for set in after.sets.values.sorted(by: { $0.name < $1.name }) where before.sets[set.name] == nil {
            transaction.add(set)
        }
        let filled = needed.compactMap(\.chain).sorted { $0.name < $1.name } + changedChains
        for chain in filled where !emptied.contains(chain.name) {
            transaction.add(Nftables.Chain(chain.name))
        }
        for chain in filled {
            for rule in chain.rules { transaction.add(rule, to: chain.name) }
        }
        for (map, elements) in grouped(Array(won) + needed.compactMap(\.entry)) {
            transaction.add(elements, to: map)
        }

        let goneShared = unneeded.compactMap(\.chain?.name).sorted()
        for name in goneShared { transaction.flush(chain: name) }
        for name in goneShared + goneChains { transaction.delete(chain: name) }
        for name in before.sets.keys.sorted() where after.sets[name] == nil { transaction.delete(set: name) }
        return transaction
    }

    /// By map, in an order that is the same each time.
    private func grouped(_ entries: [RulePieces.Entry]) -> [(map: Nftables.Set, elements: [Nftables.Element])]
    {
        let groups = Dictionary(grouping: entries, by: \.map).map { ($0.key.set, $0.value) }
        return groups.sorted { $0.0.name < $1.0.name }.map { map, entries in
            (map, entries.map(\.element).sorted { $0.description < $1.description })
        }
    }
}
