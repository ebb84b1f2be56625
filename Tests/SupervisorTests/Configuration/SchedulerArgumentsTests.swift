import Support
import Testing

@testable import Supervisor

@Suite struct SchedulerArgumentsTests {
    @Test func `a configuration is named by its file, and nothing else is believed to hold`() throws {
        #expect(try SchedulerArguments([]).configurationFile == nil)
        #expect(try SchedulerArguments(["config=scheduler.yaml"]).configurationFile == "scheduler.yaml")
        #expect(try SchedulerArguments(["--config=scheduler.yaml"]).configurationFile == "scheduler.yaml")
        let fault = #expect(throws: Fault.self) { try SchedulerArguments(["bind-address=0.0.0.0"]) }
        #expect(fault?.summary.hasPrefix("--kube-scheduler-arg: ") == true)
    }
}
