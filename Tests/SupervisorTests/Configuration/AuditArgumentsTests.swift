import Support
import Testing

@testable import Supervisor

@Suite struct AuditArgumentsTests {
    @Test func `what is said of the audit log counts`() throws {
        let arguments = try APIServerArguments([
            "audit-policy-file=/p.yaml", "--audit-log-path=-", "audit-log-maxage=30", "audit-log-maxbackup=10",
            "audit-log-maxsize=5", "audit-log-mode=batch", "audit-log-format=json", "audit-log-compress=true",
            "audit-log-batch-buffer-size=7", "audit-log-truncate-enabled=true", "request-timeout=2m",
            "max-requests-inflight=40", "max-mutating-requests-inflight=20",
        ])
        let audit = arguments.audit
        #expect(audit.policyFile == "/p.yaml" && audit.logPath == "-" && audit.mode == "batch" && audit.compresses)
        #expect(audit.days == 30 && audit.backups == 10 && audit.size == 5 && audit.bufferedEvents == 7)
        #expect(audit.longestEvent == 102_400)
        #expect(arguments.requestTimeout == .seconds(120))
        #expect(arguments.readsAtOnce == 40 && arguments.writesAtOnce == 20)
    }

    @Test func `without a word nothing is written down`() throws {
        let audit = try APIServerArguments(["audit-log-truncate-max-event-size=9"]).audit
        #expect(audit.policyFile == nil && audit.logPath == nil && audit.longestEvent == nil)
    }

    @Test(arguments: [
        "audit-log-mode=sometimes", "audit-log-format=legacy", "audit-log-version=audit.k8s.io/v1beta1",
        "audit-log-maxage=-1", "audit-log-maxsize=big", "audit-log-compress=yes", "max-requests-inflight=many",
    ])
    func `what cannot be meant is refused with its name`(argument: String) throws {
        let fault = #expect(throws: Fault.self) { try APIServerArguments([argument]) }
        #expect(fault?.summary.contains(argument.prefix { $0 != "=" }) == true)
    }
}
