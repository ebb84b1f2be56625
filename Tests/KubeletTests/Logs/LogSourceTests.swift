import API
import APIMachinery
import Testing

@testable import Kubelet

@Suite struct LogSourceTests {
    private func pod(_ status: Value) -> Pod {
        var named = status
        named["name"] = "c"
        return Pod([
            "metadata": ["name": "web"],
            "status": ["containerStatuses": [named]],
        ])
    }

    @Test(arguments: [
        (["state": ["running": [:]], "containerID": "containerd://now"], "now", "previous terminated"),
        (
            ["state": ["waiting": ["reason": "CrashLoopBackOff"]], "lastState": ["terminated": ["containerID": "containerd://old"]]],
            "old", "old"
        ),
        (["state": ["terminated": ["containerID": "containerd://done"]]], "done", "previous terminated"),
        (
            ["state": ["terminated": [:]], "lastState": ["terminated": ["containerID": "containerd://old"]]], "old", "old"
        ),
        (["state": ["terminated": [:]]], "is terminated", "previous terminated"),
        (["state": ["waiting": ["reason": "ContainerCreating"]]], "is waiting to start: ContainerCreating", "previous terminated"),
        (["state": ["waiting": ["reason": "ErrImagePull"]]], "is waiting to start: image can't be pulled", "previous terminated"),
        (["state": [:]], "is waiting to start - no logs yet", "previous terminated"),
    ] as [(Value, String, String)])
    func `the status says which run is read`(status: Value, current: String, previous: String) {
        for (isPrevious, expected) in [(false, current), (true, previous)] {
            let answer: String
            do throws(LogSource.Missing) {
                answer = try LogSource.containerID(of: "c", in: pod(status), isPrevious: isPrevious)
            } catch {
                answer = error.message
                #expect(answer.contains("container \"c\" in pod \"web\""))
            }
            #expect(answer == expected || answer.contains(expected))
        }
    }

    @Test func `a container without a status has no log`() {
        #expect(throws: LogSource.Missing(message: "container \"x\" in pod \"web\" is not available")) {
            try LogSource.containerID(of: "x", in: pod(["state": [:]]), isPrevious: false)
        }
    }
}
