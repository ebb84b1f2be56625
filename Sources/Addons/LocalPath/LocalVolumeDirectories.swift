public import Support

/// Where the data of local volumes is: a directory per volume, on the node that the volume belongs to.
public protocol LocalVolumeDirectories: Sendable {
    /// Makes the directory of a volume, which everybody may write to, and returns its path. One that is there
    /// stays.
    ///
    /// - Parameter name: One path component.
    func make(_ name: String, on node: String) async throws(Fault) -> String

    /// Removes a volume's directory with everything in it. One that is gone already is no fault.
    ///
    /// - Parameter path: As ``make(_:on:)`` returned it; any other is refused.
    func remove(_ path: String, on node: String) async throws(Fault)
}
