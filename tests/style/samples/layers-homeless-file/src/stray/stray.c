int stray_value(void);
