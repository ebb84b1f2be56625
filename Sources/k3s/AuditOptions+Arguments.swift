import APIServer
import Host
import Supervisor
import Support

extension AuditOptions {
    /// What the flags ask for; `nil` when they name no policy or no place to write to.
    init?(_ arguments: AuditArguments) throws(Fault) {
        guard let file = arguments.policyFile, let path = arguments.logPath else { return nil }
        let policy: AuditPolicy
        do throws(Fault) {
            policy = try AuditPolicy(text: try Files.readText(file))
        } catch {
            throw Fault(error.code, "\(file): \(error.summary)", remedy: error.remedy, cause: error.cause)
        }
        var limits = AuditFile.Limits()
        if let days = arguments.days { limits.days = days }
        if let backups = arguments.backups { limits.backups = backups }
        if let size = arguments.size, size > 0 { limits.size = .mebibytes(Int64(size)) }
        limits.compresses = arguments.compresses
        self.init(policy: policy, sink: path == "-" ? AuditOutput() : AuditFile(path, limits))
        if let mode = arguments.mode.flatMap(AuditMode.init) { self.mode = mode }
        if let bufferedEvents = arguments.bufferedEvents { self.bufferedEvents = bufferedEvents }
        longestEvent = arguments.longestEvent
    }
}
