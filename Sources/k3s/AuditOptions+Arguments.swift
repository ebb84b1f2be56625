import APIServer
import Host
import Supervisor
import Support

extension AuditOptions {
    /// What the flags ask for; `nil` when they name no policy or no place to write to.
    init?(_ arguments: AuditArguments) throws(Fault) {
        guard let file = arguments.policyFile, arguments.logPath != nil || arguments.webhookFile != nil else { return nil }
        self.init(
            policy: try APIServerOptions.reading(file) { text throws(Fault) in try AuditPolicy(text: text) })
        if let path = arguments.logPath {
            var backend = AuditBackend.log(path == "-" ? AuditOutput() : AuditFile(path, Self.limits(arguments)))
            backend.apply(arguments.log)
            backends.append(backend)
        }
        if let file = arguments.webhookFile {
            let kubeconfig = try APIServerOptions.kubeconfig(file)
            var sink = try AuditWebhook(kubeconfig)
            if let pause = arguments.webhookFirstPause { sink = try AuditWebhook(kubeconfig, firstPause: pause) }
            var backend = AuditBackend.webhook(sink)
            backend.apply(arguments.webhook)
            backends.append(backend)
        }
    }

    private static func limits(_ arguments: AuditArguments) -> AuditFile.Limits {
        var limits = AuditFile.Limits()
        if let days = arguments.days { limits.days = days }
        if let backups = arguments.backups { limits.backups = backups }
        if let size = arguments.size, size > 0 { limits.size = .mebibytes(Int64(size)) }
        limits.compresses = arguments.compresses
        return limits
    }
}

extension AuditBackend {
    fileprivate mutating func apply(_ arguments: AuditBackendArguments) {
        if let mode = arguments.mode.flatMap(AuditMode.init) { self.mode = mode }
        if let events = arguments.bufferedEvents { bufferedEvents = events }
        if let events = arguments.batchEvents, events > 0 { batch.events = events }
        if let wait = arguments.batchWait { batch.wait = wait > .zero ? wait : nil }
        if let rate = arguments.perSecond { batch.perSecond = rate }
        if let burst = arguments.burst { batch.burst = Double(burst) }
        if arguments.isThrottled == true, batch.perSecond == nil { batch.perSecond = 10 }
        if arguments.isThrottled == false { batch.perSecond = nil }
        longestEvent = arguments.longestEvent
        if let bytes = arguments.longestBatch { batch.bytes = bytes }
    }
}
