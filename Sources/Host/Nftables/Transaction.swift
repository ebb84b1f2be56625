extension Nftables {
    /// Changes to one table that happen together or not at all. Building one talks to nobody.
    public struct Transaction: Hashable, Sendable {
        public let family: Family
        public let table: String
        private(set) var commands: [Command] = []

        enum Command: Hashable, Sendable {
            case addTable, deleteTable
            case addSet(Set)
            case flushSet(String)
            case deleteSet(String)
            case addElements([Element], Set)
            case deleteElements([Element], Set)
            case addChain(Chain)
            case flushChain(String)
            case deleteChain(String)
            case addRule(Rule, chain: String)
        }

        /// Changes to the table of this name; it need not exist yet if the first change makes it.
        public init(_ family: Family, _ table: String) {
            self.family = family
            self.table = table
        }

        public var isEmpty: Bool { commands.isEmpty }

        // add table; delete table; add table { ... }
        /// Puts `table` in place of what is there under its name, with everything that it held. Packets see
        /// the old one or the new one, never none.
        public static func replacing(_ table: Table) -> Transaction {
            var transaction = Transaction(table.family, table.name)
            // What is deleted must exist; adding what exists is no error.
            transaction.commands = [.addTable, .deleteTable, .addTable]
            for set in table.sets {
                var empty = set
                empty.elements = []
                transaction.add(empty)
            }
            // First all chains, then what may refer to any of them.
            for chain in table.chains {
                var empty = chain
                empty.rules = []
                transaction.add(empty)
            }
            for set in table.sets { transaction.add(set.elements, to: set) }
            for chain in table.chains {
                for rule in chain.rules { transaction.add(rule, to: chain.name) }
            }
            return transaction
        }

        // delete table
        /// Takes a table away with everything in it. No such table is no fault.
        public static func deleting(_ family: Family, _ table: String) -> Transaction {
            var transaction = Transaction(family, table)
            transaction.commands = [.addTable, .deleteTable]
            return transaction
        }

        // add table
        /// Makes the table; one that is there stays as it is.
        public mutating func addTable() { commands.append(.addTable) }

        // add set, add map
        /// Makes a set with its elements; one that is there must be of the same kind, and gets them too.
        public mutating func add(_ set: Set) {
            commands.append(.addSet(set))
            add(set.elements, to: set)
        }

        // flush set
        public mutating func flush(set: String) { commands.append(.flushSet(set)) }

        // delete set
        /// Fails while a rule refers to it.
        public mutating func delete(set: String) { commands.append(.deleteSet(set)) }

        // add element
        /// Of `set`, its name and kind count. In a map, a key that leads elsewhere already is a conflict.
        public mutating func add(_ elements: [Element], to set: Set) {
            if !elements.isEmpty { commands.append(.addElements(elements, set.withoutElements)) }
        }

        // delete element
        /// Each must be there.
        public mutating func delete(_ elements: [Element], from set: Set) {
            if !elements.isEmpty { commands.append(.deleteElements(elements, set.withoutElements)) }
        }

        // add chain
        /// Makes a chain; one that is there keeps its rules. Those of `chain` are added behind them.
        public mutating func add(_ chain: Chain) {
            commands.append(.addChain(chain))
            for rule in chain.rules { add(rule, to: chain.name) }
        }

        // flush chain
        /// Takes all its rules away. Flushed and filled in one transaction, a chain changes at once.
        public mutating func flush(chain: String) { commands.append(.flushChain(chain)) }

        // delete chain
        /// Fails while something refers to it, rules of its own included: flush it first.
        public mutating func delete(chain: String) { commands.append(.deleteChain(chain)) }

        // add rule
        /// Behind the rules that the chain has.
        public mutating func add(_ rule: Rule, to chain: String) {
            commands.append(.addRule(rule, chain: chain))
        }
    }
}

extension Nftables.Set {
    fileprivate var withoutElements: Nftables.Set {
        var copy = self
        copy.elements = []
        return copy
    }
}
