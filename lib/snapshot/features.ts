/** The features of a device, by their long names of `ethtool -k`. */
export interface Features {
	/** Those that can be changed. */
	changeable: ReadonlySet<string>;
	/** Of these, the ones that the user wants on; what is active may differ where the driver overrules. */
	wanted: ReadonlySet<string>;
	/** Whatever is on, fixed features included. */
	active: ReadonlySet<string>;
}
