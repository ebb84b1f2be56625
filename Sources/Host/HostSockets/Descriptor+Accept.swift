import CLinux
import Glibc
public import Support

extension Descriptor {
    /// The next connection to this socket, which listens and never waits by itself. The connection's socket
    /// is the caller's, who closes it. `nil` once the task is cancelled, or nobody listens any more
    /// (``stopListening()``).
    public func accept() async throws(Fault) -> Int32? {
        while true {
            switch await EventThread.shared.readable(self) {
            case .cancelled: return nil
            case .failed(let error): throw Fault(error, "cannot wait for connections")
            case .readable: break
            }
            do throws(Errno) {
                let connection = try system { Glibc.accept(number, nil, nil) }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                return connection
            } catch Errno(EAGAIN) {
                continue
            } catch Errno(ECONNABORTED) {
                // Who called has hung up.
                continue
            } catch Errno(EINVAL) {
                return nil
            } catch {
                throw Fault(error, "cannot accept a connection")
            }
        }
    }

    /// Gives the port of a socket back, whoever else holds it.
    public func stopListening() { shutdown(number, Int32(SHUT_RDWR)) }

    /// Another number for the same open file, for one who will close it.
    public func duplicate() throws(Fault) -> Int32 {
        try trying("cannot duplicate a descriptor") { () throws(Errno) in
            try system { fcntl(number, F_DUPFD_CLOEXEC, 0) }
        }
    }
}
