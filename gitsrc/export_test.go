package gitsrc

// BlobsRead returns how many files were read from the store that c is in.
func BlobsRead(c *Commit) int { return c.files.cache.blobsRead }

// MaxPacks is how many downloads a cache collects.
const MaxPacks = maxPacks
