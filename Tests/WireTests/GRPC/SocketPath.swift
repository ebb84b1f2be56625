import Glibc
import Testing

/// Runs `body` with a path for a Unix socket, in a folder of its own that is removed afterwards.
func withSocketPath(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/grpc-XXXXXX".utf8CString)
    let folder = try template.withUnsafeMutableBufferPointer { buffer in
        String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
    }
    let path = folder + "/s"
    defer {
        unlink(path)
        rmdir(folder)
    }
    try await body(path)
}
