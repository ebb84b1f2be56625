public import Support

extension Files {
    /// Writes a whole file so that readers, and a machine that loses power, see the old content or the new
    /// one and nothing between: a temporary file beside it, its data synced, renamed over it, and the
    /// directory synced.
    ///
    /// `mode` holds whatever the umask says; `owner` needs privilege. A symbolic link at `path` is replaced,
    /// not followed.
    public static func write(
        _ bytes: [UInt8], to path: String, mode: FileMode = 0o644, owner: FileOwner? = nil
    ) throws(Fault) {
        try change([.write(path: path, bytes: bytes, mode: mode, owner: owner)])
    }

    /// Writes a whole text file; see ``write(_:to:mode:owner:)-([UInt8],_,_,_)``.
    public static func write(
        _ text: String, to path: String, mode: FileMode = 0o644, owner: FileOwner? = nil
    ) throws(Fault) {
        try write(Array(text.utf8), to: path, mode: mode, owner: owner)
    }
}
