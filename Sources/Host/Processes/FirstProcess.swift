import CLinux
public import Support

/// What the first process of a process namespace is for (pid_namespaces(7)).
public enum FirstProcess {
    /// Waits until `child` has ended, and meanwhile takes every process out of the kernel's table that ends
    /// without a parent. Nobody else may wait for a child of this process then, ``ChildProcess/wait()``
    /// included.
    public static func reap(until child: ChildProcess) async throws(Fault) -> ExitStatus {
        let pid = child.pid
        return try await BlockingWork.run { () throws(Fault) in
            while true {
                var code: Int32 = 0
                let ended = try trying("cannot wait for the processes of the namespace") { () throws(Errno) in
                    try system { linux_reap_any(&code) }
                }
                guard ended == pid else { continue }
                return code < 256 ? .exited(code) : .signalled(Signal(code - 256))
            }
        }
    }
}
