import Glibc
import Testing

/// A new directory of this test's own; whoever makes it removes it.
func makeTemporaryDirectory() throws -> String {
    var template = Array("/tmp/k3s-addons-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
