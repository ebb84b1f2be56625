import Support
import Testing

@testable import Kubelet

@Suite struct TopologyMergeTests {
    private func merge(
        _ policy: TopologyPolicy, _ hints: [[(String, Bool)]], nodes: Int = 2, closest: Bool = false
    ) -> String {
        var distances: [Int: [Int: Int]] = [:]
        // Even nodes are near to each other, and odd ones.
        for one in 0..<nodes {
            for other in 0..<nodes {
                distances[one, default: [:]][other] = one == other ? 10 : (one - other) % 2 == 0 ? 11 : 21
            }
        }
        let merge = TopologyMerge(policy: policy, distances: distances, prefersClosest: closest)
        let (hint, isAdmitted) = merge.merge(
            hints.map { list in
                list.map { bits, isPreferred in
                    TopologyHint(
                        affinity: UInt64(bits, radix: 2).map { NUMAMask(bits: $0) }, isPreferred: isPreferred)
                }
            })
        return (hint.affinity?.description ?? "any") + (hint.isPreferred ? "+" : "-")
            + (isAdmitted ? "" : " refused")
    }

    private typealias Hints = [[(String, Bool)]]
    private let one: Hints = [[("01", true), ("10", true), ("11", false)]]

    @Test func `without a policy everything is taken`() {
        #expect(merge(.none, one) == "any-" && merge(.none, [[("any", false)]]) == "any-")
    }

    @Test func `resources meet at the same node`() {
        let device: Hints = one + [[("10", true), ("11", false)]]
        for policy in [TopologyPolicy.bestEffort, .restricted, .singleNode] {
            #expect(merge(policy, device) == "10+")
        }
        for policy in [TopologyPolicy.bestEffort, .restricted, .singleNode] {
            #expect(merge(policy, one) == "01+")
        }
    }

    @Test func `what has no preference binds nothing`() {
        #expect(
            merge(.bestEffort, []) == "11+" && merge(.restricted, []) == "11+"
                && merge(.singleNode, []) == "any+")
    }

    @Test func `resources that cannot meet are refused by the strict policies`() {
        let apart: Hints = [[("01", true), ("11", false)], [("10", true), ("11", false)]]
        #expect(merge(.bestEffort, apart) == "01-")
        #expect(merge(.restricted, apart) == "01- refused")
        #expect(merge(.singleNode, apart) == "any- refused")
        let impossible: Hints = one + [[("any", false)]]
        #expect(merge(.bestEffort, impossible) == "01-" && merge(.restricted, impossible) == "01- refused")
        #expect(merge(.singleNode, impossible) == "any- refused")
    }

    @Test func `what needs two nodes is for all policies but the one of a single node`() {
        let large: Hints = [[("11", true)], [("11", true)]]
        #expect(merge(.bestEffort, large) == "11+" && merge(.restricted, large) == "11+")
        #expect(merge(.singleNode, large) == "any- refused")
        // Two of the same size at other places are not preferred.
        #expect(merge(.restricted, [[("11", true)], [("01", true)]]) == "01- refused")
    }

    /// Of those that are not preferred the one that is as large as the largest resource needs.
    @Test func `the best of what is not preferred holds the largest resource`() {
        let hints: Hints = [
            [("0011", false), ("0111", false)], [("0001", false), ("1111", false), ("0011", false)],
        ]
        #expect(merge(.bestEffort, hints, nodes: 4) == "11-")
        #expect(merge(.bestEffort, [[("1111", false), ("0111", false)]], nodes: 4) == "111-")
        #expect(merge(.bestEffort, [[("01", false)], [("11", false), ("10", false)]]) == "01-")
    }

    @Test func `nodes that are near to each other are preferred where that is asked for`() {
        let hints: Hints = [[("0011", true), ("0101", true), ("1010", true)]]
        #expect(merge(.bestEffort, hints, nodes: 4) == "11+")
        #expect(merge(.bestEffort, hints, nodes: 4, closest: true) == "101+")
    }

    /// As many nodes as are allowed, and all sets of them possible for each of four resources.
    @Test(.timeLimit(.minutes(1))) func `many nodes take no time`() {
        let masks = NUMAMask.combinations(of: Array(0..<8)).map { (String($0.bits, radix: 2), $0.count == 1) }
        #expect(merge(.restricted, Array(repeating: masks, count: 4), nodes: 8) == "01+")
    }
}
