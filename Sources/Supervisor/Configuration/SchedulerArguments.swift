import Support

/// What `--kube-scheduler-arg` says, as flags of `kube-scheduler`: `NAME=VALUE` each. Files are named, not read.
public struct SchedulerArguments: Hashable, Sendable {
    /// `--config`: a KubeSchedulerConfiguration.
    public var configurationFile: String?

    /// Fails with one sentence that names the argument at fault. One that this version does not know is a fault: it would
    /// otherwise be believed to hold.
    init(_ arguments: [String]) throws(Fault) {
        let dashed = arguments.map { $0.hasPrefix("-") ? $0 : "--" + $0 }
        do throws(Fault) {
            configurationFile = try OptionValues(dashed, options: [Option("config")]).text("config")
        } catch {
            throw Fault(error.code, "--kube-scheduler-arg: \(error.summary)")
        }
    }
}
