import Support

/// Which node has which block of a range. Pure.
struct PodRangeLedger: Sendable {
    let range: PodRange
    /// Usually one; more when somebody gave nodes the same block by hand.
    private var holders = Multimap<Int, String>()
    private var blocks = Multimap<String, Int>()
    private var usedCount = 0
    /// Blocks are handed out in turn: one that was given back rests for as long as possible.
    private var next = 0

    init(_ range: PodRange) { self.range = range }

    /// Notes the blocks that a node has; none when it is gone. Returns whether any became free.
    mutating func set(_ node: String, _ prefixes: [IPPrefix]) -> Bool {
        let (old, new) = (blocks[node], Set(prefixes.flatMap { range.blocks(overlapping: $0) }))
        for index in old.subtracting(new) {
            blocks.remove(index, for: node)
            holders.remove(node, for: index)
            if holders.count(of: index) == 0 { usedCount -= 1 }
        }
        for index in new.subtracting(old) { hold(index, node) }
        return !old.isSubset(of: new)
    }

    /// A free block, which is the node's from now on; `nil` when there is none.
    mutating func allocate(_ node: String) -> IPPrefix? {
        guard usedCount < range.count else { return nil }
        while holders.count(of: next) > 0 { next = (next + 1) % range.count }
        let index = next
        hold(index, node)
        next = (next + 1) % range.count
        return range.block(index)
    }

    private mutating func hold(_ index: Int, _ node: String) {
        if holders.count(of: index) == 0 { usedCount += 1 }
        holders.insert(node, for: index)
        blocks.insert(index, for: node)
    }
}
