import Support
import Testing

@testable import Supervisor

@Suite struct AuditArgumentsTests {
    @Test func `what is said of the audit log counts`() throws {
        let arguments = try APIServerArguments([
            "audit-policy-file=/p.yaml", "--audit-log-path=-", "audit-log-maxage=30", "audit-log-maxbackup=10",
            "audit-log-maxsize=5", "audit-log-mode=batch", "audit-log-format=json", "audit-log-compress=true",
            "audit-log-batch-buffer-size=7", "audit-log-truncate-enabled=true", "request-timeout=2m",
            "max-requests-inflight=40", "max-mutating-requests-inflight=20", "enable-priority-and-fairness=false",
        ])
        let audit = arguments.audit
        #expect(audit.policyFile == "/p.yaml" && audit.logPath == "-" && audit.log.mode == "batch" && audit.compresses)
        #expect(audit.days == 30 && audit.backups == 10 && audit.size == 5 && audit.log.bufferedEvents == 7)
        #expect(audit.log.longestEvent == 102_400)
        #expect(arguments.requestTimeout == .seconds(120))
        #expect(arguments.sharesFairly == false)
        #expect(arguments.readsAtOnce == 40 && arguments.writesAtOnce == 20)
    }

    @Test func `what is said of the audit webhook counts`() throws {
        let audit = try APIServerArguments([
            "audit-webhook-config-file=/w.yaml", "audit-webhook-initial-backoff=1s", "audit-webhook-mode=blocking",
            "audit-webhook-batch-max-size=9", "audit-webhook-batch-max-wait=2s", "audit-webhook-batch-throttle-qps=0.5",
            "audit-webhook-batch-throttle-burst=3", "audit-webhook-batch-throttle-enable=false",
            "audit-webhook-truncate-enabled=true", "audit-webhook-truncate-max-batch-size=1000",
            "audit-webhook-version=audit.k8s.io/v1",
        ]).audit
        #expect(audit.webhookFile == "/w.yaml" && audit.webhookFirstPause == .seconds(1))
        let webhook = audit.webhook
        #expect(webhook.mode == "blocking" && webhook.batchEvents == 9 && webhook.batchWait == .seconds(2))
        #expect(webhook.perSecond == 0.5 && webhook.burst == 3 && webhook.isThrottled == false)
        #expect(webhook.longestBatch == 1000 && webhook.longestEvent == 102_400)
        #expect(audit.log.mode == nil && audit.log.perSecond == nil)
    }

    @Test func `without a word nothing is written down`() throws {
        let audit = try APIServerArguments(["audit-log-truncate-max-event-size=9"]).audit
        #expect(audit.policyFile == nil && audit.logPath == nil && audit.log.longestEvent == nil)
    }

    @Test(arguments: [
        "audit-log-mode=sometimes", "audit-log-format=legacy", "audit-log-version=audit.k8s.io/v1beta1",
        "audit-log-maxage=-1", "audit-log-maxsize=big", "audit-log-compress=yes", "max-requests-inflight=many",
        "audit-webhook-mode=now", "audit-webhook-batch-throttle-qps=0", "audit-webhook-batch-max-wait=soon",
    ])
    func `what cannot be meant is refused with its name`(argument: String) throws {
        let fault = #expect(throws: Fault.self) { try APIServerArguments([argument]) }
        #expect(fault?.summary.contains(argument.prefix { $0 != "=" }) == true)
    }
}
