import API
import APIMachinery
import Support
import Testing

@testable import Controllers

@Suite struct ReplicaCalculationTests {
    private static let now = Timestamp(seconds: 1_000_000)

    @Test func `metrics ask for as many replicas as bring them to their target`() {
        var world = World()
        Conversation(
            """
            # 300 of 200 thousandths each: half as many again.
            pod a uses=300
            pod b uses=300
            average 200
            ----
            3, average 300

            # Near enough.
            average 280
            ----
            2, average 300

            average 600
            ----
            1, average 300

            # In percent of what is requested.
            request 500
            utilization 30
            ----
            4, 60%, average 300

            utilization 57
            ----
            2, 60%, average 300

            # One that does not run yet uses nothing, as far as growing goes.
            pod c uses=- phase=Pending
            current 3
            utilization 30
            ----
            4, 60%, average 300

            utilization 58
            ----
            3, 60%, average 300

            # One that was not measured uses nothing when growing, and all when shrinking.
            pod c uses=-
            utilization 55
            ----
            3, 60%, average 300

            utilization 100
            ----
            3, 60%, average 300

            average 600
            ----
            2, average 300

            # Pods that failed or are going do not count.
            pod c uses=9000 phase=Failed
            pod d uses=9000 deleting=yes
            current 2
            utilization 30
            ----
            4, 60%, average 300

            # Without a request there is no percentage.
            norequest
            utilization 30
            ----
            missing request for cpu in container web of Pod a

            none
            average 100
            ----
            no pods returned by selector while calculating replica count
            """
        ).check { world.answer($0) }
    }

    @Test func `the CPU of a start says nothing`() {
        var world = World()
        Conversation(
            """
            request 1000
            pod a uses=100 start=1000 ready=900
            # Begun a minute ago, measured before it was ready for a whole window.
            pod b uses=900 start=60 ready=50 window=60
            current 2
            utilization 10
            ----
            2, 10%, average 100

            pod b uses=900 start=100 ready=90 window=60
            utilization 10
            ----
            10, 50%, average 500

            # Never ready since its start.
            pod b uses=900 start=1000 ready=995 not
            utilization 10
            ----
            2, 10%, average 100

            # Ready once, not any more: its sample counts.
            pod b uses=900 start=1000 ready=100 not
            utilization 10
            ----
            10, 50%, average 500
            """
        ).check { world.answer($0) }
    }

    @Test func `one value is for all pods, or shared among them`() {
        var world = World()
        Conversation(
            """
            pod a uses=-
            pod b uses=-
            current 2
            total 1000 of 400
            total 1000 of 1000
            total 1090 of 1000
            ----
            5
            2
            2

            share 1000 of 100
            share 1000 of 490
            ----
            10, average 500
            2, average 500

            current 0
            total 2500 of 1000
            ----
            3
            """
        ).check { world.answer($0) }
    }

    @Test func `numbers without measure do no harm`() throws {
        let calculation = ReplicaCalculation(
            pods: [World.pod("a", [:])], tolerance: .init(), current: 1, now: Self.now)
        #expect(try calculation.total(.max, target: 1) == Int(Int32.max))
        #expect(calculation.share(.max, target: 1, present: 3).replicas == Int(Int32.max))
        let sample = PodSample(milliValue: .max, timestamp: Self.now)
        #expect(try calculation.average(["a": sample, "b": sample], target: 1).replicas == Int(Int32.max))
        #expect([Int64.max, 1].saturatingSum == .max)
        #expect([Int64.min, -1].saturatingSum == .min)
    }

    private struct World {
        private var pods: [String: Pod] = [:]
        private var samples: [String: PodSample] = [:]
        private var current = 2
        private var request: String?

        static func pod(_ name: String, _ options: [String: String]) -> Pod {
            var pod = Pod(namespace: "default", name: name)
            pod.status.phase = options["phase"] ?? "Running"
            let now = ReplicaCalculationTests.now
            if options["deleting"] != nil { pod.metadata.deletionTimestamp = now }
            pod.status.startTime = now + .seconds(-(Int(options["start"] ?? "") ?? 1000))
            var ready = PodCondition()
            (ready.type, ready.status) = ("Ready", "True")
            ready.lastTransitionTime = now + .seconds(-(Int(options["ready"] ?? "") ?? 900))
            pod.status.conditions = [ready]
            pod.spec = PodSpec(["containers": [["name": "web"]]])
            return pod
        }

        mutating func answer(_ command: [String]) -> [String] {
            let options = options(command)
            let now = ReplicaCalculationTests.now
            switch command[0] {
            case "pod":
                var pod = Self.pod(command[1], options)
                if command.contains("not") { pod.status.conditions[0].status = "False" }
                pods[command[1]] = pod
                samples[command[1]] = options["uses"].flatMap { Int64($0) }.map {
                    PodSample(
                        milliValue: $0, timestamp: now, window: .seconds(Int(options["window"] ?? "") ?? 30))
                }
            case "request": request = command[1] + "m"
            case "norequest": request = nil
            case "current": current = Int(command[1]) ?? 0
            case "none": pods = [:]
            default: return [calculate(command)]
            }
            return []
        }

        private func calculate(_ command: [String]) -> String {
            let requested = pods.values.map { pod in
                var pod = pod
                if let request {
                    pod.spec = PodSpec([
                        "containers": [["name": "web", "resources": ["requests": ["cpu": .string(request)]]]]
                    ])
                }
                return pod
            }.sorted { $0.metadata.name < $1.metadata.name }
            let calculation = ReplicaCalculation(
                pods: requested, tolerance: .init(), current: current, now: ReplicaCalculationTests.now)
            let numbers = command.compactMap { Int64($0) }
            do throws(ReplicaCalculation.Failure) {
                switch command[0] {
                case "utilization":
                    let result = try calculation.utilization(
                        of: "cpu", container: nil, samples, target: Int(numbers[0]))
                    return "\(result.replicas), \(result.percent)%, average \(result.average)"
                case "average":
                    let result = try calculation.average(samples, target: numbers[0])
                    return "\(result.replicas), average \(result.average)"
                case "share":
                    let result = calculation.share(numbers[0], target: numbers[1], present: current)
                    return "\(result.replicas), average \(result.average)"
                default: return String(try calculation.total(numbers[0], target: numbers[1]))
                }
            } catch {
                return error.message
            }
        }
    }
}
