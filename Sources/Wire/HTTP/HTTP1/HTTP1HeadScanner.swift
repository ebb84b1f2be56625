#if canImport(Glibc)
    import Glibc
#endif

/// Finds where a message head ends, without looking at a byte twice however slowly they come.
struct HTTP1HeadScanner {
    private var searched = 0

    /// The number of bytes up to and including the blank line; `nil` when it has not come yet. `bytes` are
    /// everything received of this head so far: at each call what the last call saw, and more.
    mutating func headLength(in bytes: UnsafeRawBufferPointer, limit: Int) throws(HTTP1Failure) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        while searched < bytes.count {
            guard let found = memchr(base + searched, 10, bytes.count - searched) else {
                searched = bytes.count
                break
            }
            let index = UnsafeRawPointer(found) - base
            searched = index + 1
            // CR LF CR LF. A bare line feed ends no line here: what two parsers read differently can be
            // abused.
            if index >= 3, bytes[index - 1] == 13, bytes[index - 2] == 10, bytes[index - 3] == 13 {
                guard index < limit else { throw .headTooLarge }
                self = HTTP1HeadScanner()
                return index + 1
            }
        }
        guard bytes.count <= limit else { throw .headTooLarge }
        return nil
    }
}
