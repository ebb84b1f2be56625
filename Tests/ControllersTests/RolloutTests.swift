import API
import APIMachinery
import Support
import Testing

@testable import Controllers

@Suite struct RolloutTests {
    @Test func `a rolling update goes step by step, and back`() {
        hold(
            """
            # One pod at a time, and never fewer than two.
            deployment replicas=3 maxSurge=0 maxUnavailable=1
            step
            ----
            create v1 3

            available
            step
            ----

            update v2
            step
            step
            ----
            create v2 0
            resize v1 3 to 2

            pods
            step
            step
            ----
            resize v2 0 to 1

            pods
            step             # 2 of 3 are available, the minimum
            ----

            available
            step
            pods
            step
            ----
            resize v1 2 to 1
            resize v2 1 to 2

            # Back to what it was: the set of the old template grows again.
            update v1
            pods
            available
            settle
            ----
            resize v2 2 to 1
            resize v1 1 to 2
            resize v2 1 to 0
            resize v1 2 to 3

            status
            ----
            revision 3
            Available True MinimumReplicasAvailable
            Progressing True NewReplicaSetAvailable
            """)
    }

    @Test func `recreate waits for the last old pod`() {
        hold(
            """
            deployment replicas=2 strategy=Recreate
            settle
            ----
            create v1 2

            update v2
            step
            step
            ----
            resize v1 2 to 0

            pods
            step
            ----
            create v2 2
            """)
    }

    @Test func `a paused rollout stands still but scales, in proportion`() {
        hold(
            """
            deployment replicas=10 maxSurge=3 maxUnavailable=2
            settle
            ----
            create v1 10

            update v2
            step
            pods
            step
            ----
            create v2 3
            resize v1 10 to 8

            pause
            scale 15
            pods
            step
            step
            ----
            resize v1 8 to 14    # its share is 3, and it gets the 3 that rounding leaves over
            resize v2 3 to 4

            status
            ----
            revision 2
            Available False MinimumReplicasUnavailable
            Progressing Unknown DeploymentPaused
            """)
    }

    @Test func `a rollout that does not move is called stuck`() {
        hold(
            """
            deployment replicas=1 maxSurge=1 maxUnavailable=0
            settle
            update v2
            step
            pods
            step
            ----
            create v1 1
            create v2 1

            wait 700
            step
            status
            ----
            revision 2
            Available True MinimumReplicasAvailable
            Progressing False ProgressDeadlineExceeded
            """)
    }

    @Test func `old revisions beyond the limit are dropped`() {
        hold(
            """
            deployment replicas=1 maxSurge=1 maxUnavailable=0
            settle
            update v2
            settle
            update v3
            settle
            update v4
            settle
            ----
            create v1 1
            create v2 1
            resize v1 1 to 0
            create v3 1
            resize v2 1 to 0
            create v4 1
            resize v3 1 to 0
            delete v1
            """)
    }

    /// Whatever order passes, pods and nodes come in.
    @Test(arguments: UInt64(0)..<40)
    func `no history breaks the limits, and every one ends`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let replicas = Int.random(in: 1...12, using: &random)
        let surge = Int.random(in: 0...4, using: &random)
        var world = RolloutWorld(
            replicas: replicas, surge: .integer(Int64(surge)),
            unavailable: .integer(Int64.random(in: 0...4, using: &random)))
        settle(&world)
        let limits = RollingLimits(world.deployment.spec)
        for round in 0..<90 {
            if round % 30 == 0 { world.use(image: "v\(Int.random(in: 1...4, using: &random))") }
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1: _ = world.step()
            case 2: world.reconcileSet(at: Int.random(in: world.sets.indices, using: &random))
            default:
                // Only nodes act: statuses stay old until the set's own pass.
                for set in world.sets {
                    for index in (world.pods[set.metadata.uid] ?? []).indices
                    where Bool.random(using: &random) {
                        world.pods[set.metadata.uid]?[index] = true
                    }
                }
            }
            #expect(world.size <= limits.most, "seed \(seed), round \(round)")
            #expect(world.availableCount >= limits.least, "seed \(seed), round \(round)")
        }
        settle(&world)
        #expect(world.decision.newSet?.size == replicas)
        #expect(world.size == replicas && world.availableCount == replicas)
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "2147483647", "x"])
    func `annotations that anybody can write stop nothing`(number: String) {
        var world = RolloutWorld(replicas: 4, surge: "9223372036854775807%", unavailable: "2147483647%")
        settle(&world)
        world.sets[0].metadata.annotations[Revision.number] = number
        world.sets[0].metadata.annotations[Revision.maxReplicas] = number
        world.use(image: "v2")
        settle(&world)
        #expect(world.decision.newSet?.size == 4)
        // In the middle of a rollout, resized to the greatest number there is.
        world.use(image: "v3")
        _ = world.step()
        for index in world.sets.indices {
            world.sets[index].spec.replicas = 2_147_483_647
            world.sets[index].metadata.annotations[Revision.maxReplicas] = number
        }
        world.deployment.spec.replicas = 2_147_483_646
        #expect(!world.decision.changes.isEmpty)
    }

    @Test func `a template's hash is the same for ever`() {
        let template = PodTemplateSpec(["metadata": ["labels": ["app": "web"]], "spec": ["containers": []]])
        #expect(TemplateHash.of(template, collisions: 0) == TemplateHash.of(template, collisions: 0))
        #expect(TemplateHash.of(template, collisions: 0) != TemplateHash.of(template, collisions: 1))
        var labelled = template
        labelled.metadata.labels[TemplateHash.label] = "abc"
        #expect(TemplateHash.isSame(template, labelled))
    }

    private func settle(_ world: inout RolloutWorld) {
        for _ in 0..<60 {
            // First all statuses become true, so that a step that does nothing means the end.
            world.reconcileSets()
            world.makeAvailable()
            if world.step().isEmpty { return }
        }
        Issue.record("the rollout does not come to an end")
    }

    private func hold(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = RolloutWorld(replicas: 1, surge: 1, unavailable: 0)
        Conversation(text).check(sourceLocation: sourceLocation) { command in
            switch command[0] {
            case "deployment":
                let options = options(command)
                world = RolloutWorld(
                    replicas: options["replicas"].flatMap { Int($0) } ?? 1,
                    surge: .integer(options["maxSurge"].flatMap { Int64($0) } ?? 0),
                    unavailable: .integer(options["maxUnavailable"].flatMap { Int64($0) } ?? 0),
                    strategy: options["strategy"] ?? "RollingUpdate")
            case "step": return world.step()
            case "pods": world.reconcileSets()
            case "available":
                world.reconcileSets()
                world.makeAvailable()
            case "update": world.use(image: command[1])
            case "pause": world.deployment.spec.paused = true
            case "scale": world.deployment.spec.replicas = Int(command[1])
            case "wait": world.now = world.now + .seconds(Int(command[1]) ?? 0)
            case "settle":
                var lines: [String] = []
                for _ in 0..<20 {
                    lines += world.step()
                    world.reconcileSets()
                    world.makeAvailable()
                }
                return lines
            case "status":
                let conditions = world.deployment.status.conditions.sorted { $0.type < $1.type }
                return ["revision \(world.deployment.metadata.annotations[Revision.number] ?? "")"]
                    + conditions.map { "\($0.type) \($0.status) \($0.reason)" }
            default: Issue.record("unknown command \(command)")
            }
            return []
        }
    }
}
