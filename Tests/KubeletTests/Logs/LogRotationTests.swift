import Testing

@testable import Host
@testable import Kubelet

@Suite struct LogRotationTests {
    private func event(_ name: String, _ changes: FileWatch.Changes) -> FileWatch.Event {
        FileWatch.Event(path: "/logs", name: name, changes: changes)
    }

    @Test func `the old file is read until the runtime has closed it`() {
        var rotation = LogRotation(name: "0.log")
        for change in [
            event("0.log", .modified), event("0.log", .written), event("0.log.old", .written), event("0.log", .movedAway),
            event("0.log.old", .movedHere), event("0.log.old", .modified), event("0.log", .created),
            event("0.log", .modified),
        ] {
            rotation.note(change)
            let isComplete = rotation.takeIsComplete()
            #expect(!isComplete, "\(change)")
        }
        rotation.note(event("0.log.old", .written))
        let first = rotation.takeIsComplete()
        #expect(first)
        let second = rotation.takeIsComplete()
        #expect(!second, "it is told once")
    }

    @Test func `a file that takes the name's place is read next`() {
        var rotation = LogRotation(name: "0.log")
        rotation.note(event("0.log", .movedHere))
        let isComplete = rotation.takeIsComplete()
        #expect(isComplete)
    }

    @Test func `when events were lost, the name is looked up`() {
        var rotation = LogRotation(name: "0.log")
        rotation.note(FileWatch.Event(path: "", name: nil, changes: [], isOverflow: true))
        let isComplete = rotation.takeIsComplete()
        #expect(isComplete)
    }
}
