internal import CLinux

/// The memory of this process.
public enum ProcessMemory {
    /// Gives the pages that the allocator holds but nobody uses back to the system. Takes milliseconds, in which those
    /// who allocate may wait.
    public static func returnFree() { linux_return_free_memory() }
}
