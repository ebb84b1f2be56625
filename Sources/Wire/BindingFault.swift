import Glibc
import NIOCore
import Support

extension Fault {
    /// Why an address cannot be listened on.
    init(_ error: any Error, binding address: some CustomStringConvertible) {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            self.init(
                .conflict, "the address \(address) is already in use",
                remedy: "stop the program that listens there (ss -lntup shows it), or choose another port")
        case EACCES, EPERM:
            self.init(
                .denied, "this process may not listen on \(address)",
                remedy: "run it as root, or choose a port above 1023")
        case EADDRNOTAVAIL:
            self.init(
                .invalid, "the address \(address) does not belong to this host",
                remedy: "choose one of its own addresses")
        default: self.init(.failed, "cannot listen on \(address)", cause: error)
        }
    }
}
