import Glibc
public import Support

extension Command {
    /// Starts a program that says on its descriptor 3, by any byte, that it does its work, and returns then.
    /// One that ends before, or closes the descriptor in silence, is a fault; it is killed then.
    public func startUntilReady() async throws(Fault) -> ChildProcess {
        let (child, reading) = try await startReporting()
        switch await EventThread.shared.readable(reading) {
        case .readable:
            if let bytes = try? reading.read(upTo: 1), !bytes.isEmpty { return child }
        case .failed(let error):
            try child.send(.kill)
            throw Fault(error, "cannot wait for \(executable)")
        case .cancelled: break
        }
        try child.send(.kill)
        let status = try await child.wait(isCancellable: false)
        throw Fault(.failed, "\(executable) did not come so far as to work (\(status))")
    }

    /// The writing end is the child's alone when this returns.
    private func startReporting() async throws(Fault) -> (ChildProcess, Descriptor) {
        let (reading, writing) = try trying("cannot make a pipe") { () throws(Errno) in try Descriptor.pipe()
        }
        var command = self
        command.further = [writing]
        return (try await command.start(), reading)
    }
}
