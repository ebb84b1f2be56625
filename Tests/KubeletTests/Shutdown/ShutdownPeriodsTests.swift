import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct ShutdownPeriodsTests {
    private static func periods(_ list: (Int, Int)...) -> ShutdownPeriods {
        ShutdownPeriods(list.map { ShutdownPeriods.Period(priority: $0.0, seconds: $0.1) })
    }

    private static func options(_ arguments: [String: String]) throws -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [], version: "v", layout: KubeletLayout(root: "/nowhere"))
        try options.apply(arguments)
        return options
    }

    @Test func `a whole time, and what of it is for critical pods`() {
        let periods = ShutdownPeriods(whole: .seconds(30), critical: .seconds(10))
        #expect(periods == Self.periods((0, 20), (2_000_000_000, 10)) && periods.whole == .seconds(30))
        #expect(ShutdownPeriods(whole: .zero, critical: .zero) == .none)
        #expect(ShutdownPeriods(whole: .seconds(1), critical: .seconds(2)) == .none)
        #expect(Self.periods((0, .max), (1, .max)).whole == .seconds(PodFacts.longestGrace))
    }

    @Test(arguments: [
        (-5, 0), (0, 0), (9, 0), (10, 1), (99, 1), (100, 2), (1000, 2), (Int(Int32.max), 2), (Int(Int32.min), 0),
    ])
    func `a pod goes with the nearest priority below its own`(priority: Int, index: Int) {
        let periods = Self.periods((100, 3), (0, 1), (10, 2))
        #expect(periods.periods.map(\.seconds) == [1, 2, 3])
        #expect(periods.index(ofPriority: priority) == index)
        #expect(ShutdownPeriods.none.index(ofPriority: priority) == nil)
    }

    @Test(arguments: [(nil, 10, 10), (5, 10, 5), (10, 10, 10), (60, 10, 10), (.max, .max, PodFacts.longestGrace)] as [(Int?, Int, Int)])
    func `a pod has the shorter of its own time and its group's`(own: Int?, group: Int, seconds: Int) {
        var pod = Pod(namespace: "ns", name: "p")
        pod.spec.terminationGracePeriodSeconds = own
        let end = PodEnd.shutdown(pod, seconds: group)
        #expect(end.gracePeriod == .seconds(seconds) && end.phase == "Failed" && end.reason == "Terminated")
        #expect(end.message == "Pod was terminated in response to imminent node shutdown.")
        #expect(end.disruption == end.message)
    }

    @Test func `the configuration says it in one of two ways`() throws {
        let whole = try Self.options(["shutdown-grace-period": "1m", "shutdown-grace-period-critical-pods": "10s"])
        #expect(whole.shutdownPeriods == Self.periods((0, 50), (2_000_000_000, 10)))
        let list = try Self.options(["shutdown-grace-period-by-pod-priority": "100:20,-1:5"])
        #expect(list.shutdownPeriods == Self.periods((-1, 5), (100, 20)))
        #expect(try Self.options([:]).shutdownPeriods == .none)
        let told = try Value(json: list.configurationJSON)["kubeletconfig"]?["shutdownGracePeriodByPodPriority"]
        #expect(told?.array?.first == ["priority": -1, "shutdownGracePeriodSeconds": 5])
    }

    @Test(arguments: [
        (["shutdown-grace-period": "500ms"], "is not 0 or at least 1s"),
        (["shutdown-grace-period": "10s", "shutdown-grace-period-critical-pods": "11s"], "must be <= shutdownGracePeriod"),
        (
            ["shutdown-grace-period": "10s", "shutdown-grace-period-by-pod-priority": "1:1"],
            "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time"
        ),
        (["shutdown-grace-period-by-pod-priority": "1:-1"], "is no priority with seconds"),
        (["shutdown-grace-period-by-pod-priority": "9999999999:1"], "is no priority with seconds"),
    ])
    func `what means nothing is told`(arguments: [String: String], words: String) {
        let fault = #expect(throws: Fault.self) { try Self.options(arguments) }
        #expect(fault?.code == .invalid && fault?.summary.contains(words) == true)
    }

    @Test func `when it was is kept in the form of Kubernetes`() throws {
        let times = ShutdownTimes(begin: Timestamp(seconds: 100, nanoseconds: 5))
        #expect(
            try Value(json: times.json)
                == ["startTime": "1970-01-01T00:01:40.000000005Z", "endTime": "0001-01-01T00:00:00Z"])
        #expect(try ShutdownTimes(json: times.json) == times)
        #expect(throws: (any Error).self) { try ShutdownTimes(json: [1]) }
    }
}
