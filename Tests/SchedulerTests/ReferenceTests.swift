import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// The counts that are kept pod by pod, compared with counting all pods anew as the rules' words say.
@Suite struct ReferenceTests {
    private static let keys = ["host", "zone", "rack"]
    private static let apps = ["a", "b", "c"]
    private static let namespaces = ["one", "two"]

    /// What the reference knows: plain lists.
    private struct World {
        var nodes: [String: Fields] = [:]
        var pods: [String: (pod: PodFacts, node: String)] = [:]
        var namespaces: [String: Fields] = [:]

        func picks(_ pick: PodPick, _ pod: PodFacts) -> Bool {
            pick.picks(pod) { namespaces[$0] ?? Fields() }
        }

        /// Pods where the label `key` has the value it has on `node`.
        func neighbours(_ node: String, _ key: String) -> [PodFacts]? {
            guard let value = nodes[node]?[key] else { return nil }
            return pods.values.filter { nodes[$0.node]?[key] == value }.map(\.pod)
        }

        /// Pods on nodes that have the label at all.
        func known(_ key: String) -> [PodFacts] {
            pods.values.filter { nodes[$0.node]?[key] != nil }.map(\.pod)
        }

        func allows(_ pod: PodFacts, on node: String) -> Bool { isNear(pod, node) && isAlone(pod, node) && isEven(pod, node) }

        private func isNear(_ pod: PodFacts, _ node: String) -> Bool {
            let terms = pod.affinity?.required ?? []
            let picksAll = { (other: PodFacts) in terms.allSatisfy { picks($0.pick, other) } }
            guard terms.allSatisfy({ nodes[node]?[$0.topologyKey] != nil }) else { return false }
            if terms.allSatisfy({ neighbours(node, $0.topologyKey)?.contains(where: picksAll) == true }) { return true }
            return picksAll(pod) && !terms.contains { known($0.topologyKey).contains(where: picksAll) }
        }

        private func isAlone(_ pod: PodFacts, _ node: String) -> Bool {
            for term in pod.affinity?.forbidden ?? [] {
                if neighbours(node, term.topologyKey)?.contains(where: { picks(term.pick, $0) }) == true { return false }
            }
            for (other, place) in pods.values {
                for term in other.affinity?.forbidden ?? [] where picks(term.pick, pod) {
                    guard let value = nodes[place]?[term.topologyKey] else { continue }
                    if nodes[node]?[term.topologyKey] == value { return false }
                }
            }
            return true
        }

        private func isEven(_ pod: PodFacts, _ node: String) -> Bool {
            let counting = nodes.filter { labels in pod.spread.allSatisfy { labels.value[$0.topologyKey] != nil } }
            for constraint in pod.spread {
                guard let own = nodes[node]?[constraint.topologyKey]?.string else { return false }
                var counts: [String: Int] = [:]
                for labels in counting.values { counts[labels[constraint.topologyKey]?.string ?? "", default: 0] += 0 }
                for (other, place) in pods.values
                where other.name.namespace == pod.name.namespace && constraint.selector.matches(other.labels) {
                    guard let value = counting[place]?[constraint.topologyKey]?.string else { continue }
                    counts[value, default: 0] += 1
                }
                let fewest = counts.count < constraint.minDomains ? 0 : counts.values.min() ?? 0
                let itself = constraint.selector.matches(pod.labels) ? 1 : 0
                if (counts[own] ?? 0) + itself - fewest > constraint.maxSkew { return false }
            }
            return true
        }

        /// What is preferred, in plain sums.
        func preference(_ pod: PodFacts, _ node: String) -> Int {
            var sum = 0
            for preferred in pod.affinity?.preferred ?? [] {
                let near = neighbours(node, preferred.term.topologyKey) ?? []
                sum += preferred.weight * near.count { picks(preferred.term.pick, $0) }
            }
            for (other, place) in pods.values {
                var terms = (other.affinity?.preferred ?? []).map { ($0.weight, $0.term) }
                terms += (other.affinity?.required ?? []).map { (1, $0) }
                for (weight, term) in terms where picks(term.pick, pod) {
                    guard let value = nodes[place]?[term.topologyKey] else { continue }
                    if nodes[node]?[term.topologyKey] == value { sum += weight }
                }
            }
            return sum
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `whatever comes and goes, counts and a full count agree`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let cluster = ClusterFacts()
        var world = World()
        for step in 0..<60 {
            change(&world, cluster, step, &random)
            guard step % 3 == 0 else { continue }
            let pod = Self.pod("new", &random)
            var profile = Profile()
            profile.filters = [.podTopologySpread, .interPodAffinity]
            let expected = world.nodes.keys.filter { world.allows(pod, on: $0) }.sorted()
            if case .nodes(let nodes) = cluster.fitting(pod, VolumeFacts(), profile) {
                #expect(nodes == expected)
            } else {
                #expect(expected == [])
            }
            compareScores(pod, world, cluster)
        }
    }

    private func compareScores(_ pod: PodFacts, _ world: World, _ cluster: ClusterFacts) {
        let sums = world.nodes.keys.reduce(into: [String: Int]()) { $0[$1] = world.preference(pod, $1) }
        let (least, most) = (sums.values.min() ?? 0, sums.values.max() ?? 0)
        let expected = sums.mapValues {
            most > least ? Int(100 * (Double($0 - least) / Double(most - least))) : 0
        }
        #expect(cluster.scores(pod, .judging(.interPodAffinity)) == expected)
    }

    /// Victims that go and pods that come only in thought change the answer as if they really did.
    @Test(arguments: UInt64(100)..<130)
    func `a trial answers as the changed cluster would`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let cluster = ClusterFacts()
        var world = World()
        for step in 0..<30 { change(&world, cluster, step, &random) }
        let pod = Self.pod("new", &random)
        var profile = Profile()
        profile.filters = [.podTopologySpread, .interPodAffinity]
        // A nomination somewhere keeps rules alive that would else not be prepared.
        cluster.nominate(Given.pod("elsewhere"), "nowhere")
        let decision = Decision(pod, VolumeFacts(), profile, cluster)
        for name in world.nodes.keys.sorted() {
            var trial = Trial(try #require(cluster.node(name)), decision.filters)
            var changed = world
            for victim in world.pods.values.filter({ $0.node == name }).map(\.pod).sorted(by: { $0.uid < $1.uid })
            where Bool.random(using: &random) {
                trial.remove(victim)
                changed.pods[victim.uid] = nil
            }
            let comer = Self.pod("comer", &random)
            trial.add(comer)
            changed.pods[comer.uid] = (comer, name)
            #expect((trial.refusal == nil) == changed.allows(pod, on: name))
        }
    }

    private func change(_ world: inout World, _ cluster: ClusterFacts, _ step: Int, _ random: inout SeededRandom) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1:
            let name = "n\(Int.random(in: 0..<6, using: &random))"
            var labels: [String: String] = [:]
            for key in Self.keys where Int.random(in: 0..<5, using: &random) > 0 {
                labels[key] = "v\(Int.random(in: 0..<3, using: &random))"
            }
            world.nodes[name] = Fields(labels.map { ($0.key, .string($0.value)) })
            let node = Given.node(name) { $0[path: ["metadata", "labels"]] = Value(labels) }
            cluster.setNode(name, node)
        case 2:
            let name = "n\(Int.random(in: 0..<6, using: &random))"
            world.nodes[name] = nil
            cluster.setNode(name, nil)
        case 3:
            let name = Self.namespaces.randomElement(using: &random) ?? ""
            let labels: Fields = Bool.random(using: &random) ? ["team": "red"] : [:]
            world.namespaces[name] = labels
            cluster.setNamespace(name, labels)
        case 4:
            guard let uid = world.pods.keys.sorted().randomElement(using: &random) else { return }
            world.pods[uid] = nil
            cluster.displace(uid)
        case 5:
            // Told of once more, on the same node or another.
            guard let uid = world.pods.keys.sorted().randomElement(using: &random), let (pod, old) = world.pods[uid]
            else { return }
            let node = Bool.random(using: &random) ? old : "n\(Int.random(in: 0..<6, using: &random))"
            world.pods[uid] = (pod, node)
            cluster.place(pod, on: node)
        default:
            let pod = Self.pod("p\(step)", &random)
            let node = "n\(Int.random(in: 0..<6, using: &random))"
            world.pods[pod.uid] = (pod, node)
            cluster.place(pod, on: node)
        }
    }

    private static func pod(_ name: String, _ random: inout SeededRandom) -> PodFacts {
        func some(_ texts: [String]) -> String { texts.randomElement(using: &random) ?? "" }
        func selector() -> Value { ["matchLabels": ["app": .string(some(apps))]] }
        func terms(_ most: Int) -> [Value] {
            (0..<max(0, Int.random(in: -1...most, using: &random))).map { _ in
                var term: Value = ["topologyKey": .string(some(keys)), "labelSelector": selector()]
                switch Int.random(in: 0..<4, using: &random) {
                case 0: term["namespaces"] = [.string(some(namespaces))]
                case 1: term["namespaceSelector"] = ["matchLabels": ["team": "red"]]
                case 2: term["namespaceSelector"] = [:]
                default: break
                }
                return term
            }
        }
        func weighted() -> Value {
            .array(terms(1).map { ["weight": .integer(Int64.random(in: 1...5, using: &random)), "podAffinityTerm": $0] })
        }
        let (hard, soft) = (
            "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
        )
        let spread: [Value] = (0..<max(0, Int.random(in: -1...1, using: &random))).map { _ in
            [
                "topologyKey": .string(some(keys)), "maxSkew": .integer(Int64.random(in: 1...2, using: &random)),
                "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector(),
                "minDomains": .integer(Int64.random(in: 1...3, using: &random)),
            ]
        }
        let spec: Value = [
            "affinity": [
                "podAffinity": .object(Fields([(hard, .array(terms(2))), (soft, weighted())])),
                "podAntiAffinity": .object(Fields([(hard, .array(terms(1))), (soft, weighted())])),
            ],
            "topologySpreadConstraints": .array(spread),
        ]
        return Given.pod(name, namespace: some(namespaces), labels: ["app": some(apps)], spec)
    }
}
